"""Properties that hold a JSON document, an object or a text: what a service refuses in it, as rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from preflight.aws import iam_policy_evaluation, unresolved
from preflight.aws.constraints import ALWAYS, Condition, Constraint, Fault, Object, Predicate, Test, get, value

Document = Mapping[str, Any]


@dataclass(frozen=True)
class DocumentRule:
    """What a document may not have, what AWS answers, and documents that are right and wrong."""

    faults: Callable[[Document], Iterator[Fault]]
    sentence: str
    page: str
    right: tuple[Document, ...]
    wrong: tuple[Document, ...]
    cure: str = ""
    is_certain: bool = True


def rows(
    rules: Iterable[DocumentRule], name: str, *, code: str, at: str = "", sentence: str = "", when: Condition = ALWAYS
) -> tuple[Constraint, ...]:
    """Returns rules as constraints of the document under a name; with one sentence if the service has but one."""
    return tuple(
        Constraint(
            _test(rule, name), code, sentence or rule.sentence, rule.page, at=at, when=when, cure=rule.cure, is_certain=rule.is_certain
        )
        for rule in rules
    )


def _test(rule: DocumentRule, name: str) -> Test:
    def faults(part: Object) -> Iterator[Fault]:
        text = get(part, name)
        document = iam_policy_evaluation.document(text) if text is not None and not unresolved.is_function(text) else None
        if document is not None:
            yield from (Fault((name, *fault.path), fault.value) for fault in rule.faults(document))

    return Test(faults, tuple({name: document} for document in rule.right), tuple({name: document} for document in rule.wrong))


def text_of_json(name: str) -> Test:
    """The value of a name, if it is a text, is JSON."""

    def faults(part: Object) -> Iterator[Fault]:
        text = get(part, name)
        if isinstance(text, str) and text and not unresolved.is_function(text) and iam_policy_evaluation.document(text) is None:
            yield Fault((name,), text)

    return Test(faults, ({name: '{"Version": "2012-10-17"}'}, {name: {}}), ({name: "{"}, {name: "[]"}))


def _parsed(actual: Any) -> Any:
    """Returns what a text of JSON says, and any other value as it is; the exception for a text that is no JSON."""
    try:
        return json.loads(actual) if isinstance(actual, str) else actual
    except (ValueError, RecursionError) as error:
        return error


def is_object(name: str) -> Test:
    """The value of a name, if it is there, is a JSON object or a text of one."""

    def fits(actual: Any) -> bool:
        return isinstance(_parsed(actual), dict)

    return value(name, Predicate(fits, ("{}", ' {"a": 1}', {"a": 1}), ("", "{", "{'a': 1}", "[]", '"a"')))


def is_list(name: str) -> Test:
    """The value of a name, if it is there, is a text of a JSON list."""

    def fits(actual: Any) -> bool:
        return isinstance(actual, str) and isinstance(_parsed(actual), list)

    return value(name, Predicate(fits, ("[]", '[{"parseJSON": {}}]'), ("{}", "[", '{"parseJSON": {}}')))


def is_json(name: str) -> Test:
    """The value of a name, if it is there, is JSON."""
    return value(
        name,
        Predicate(lambda actual: not isinstance(_parsed(actual), Exception), ("{}", "[1]", '"a"', "1"), ("", "a", "{'a': 1}", "[" * 100_000)),
    )
