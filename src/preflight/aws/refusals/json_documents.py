"""Properties that hold a JSON document, an object or a text: what a service refuses in it, as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from preflight.aws import iam_policy, unresolved
from preflight.aws.constraints import Constraint, Fault, Object, Test, get

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


def rows(rules: Iterable[DocumentRule], name: str, *, code: str, at: str = "", sentence: str = "") -> tuple[Constraint, ...]:
    """Returns rules as constraints of the document under a name; with one sentence if the service has but one."""
    return tuple(
        Constraint(_test(rule, name), code, sentence or rule.sentence, rule.page, at=at, cure=rule.cure) for rule in rules
    )


def _test(rule: DocumentRule, name: str) -> Test:
    def faults(part: Object) -> Iterator[Fault]:
        value = get(part, name)
        document = iam_policy.document(value) if value is not None and not unresolved.is_function(value) else None
        if document is not None:
            yield from (Fault((name, *fault.path), fault.value) for fault in rule.faults(document))

    return Test(faults, tuple({name: document} for document in rule.right), tuple({name: document} for document in rule.wrong))


def text_of_json(name: str) -> Test:
    """The value of a name, if it is a text, is JSON."""

    def faults(part: Object) -> Iterator[Fault]:
        value = get(part, name)
        if isinstance(value, str) and value and not unresolved.is_function(value) and iam_policy.document(value) is None:
            yield Fault((name,), value)

    return Test(faults, ({name: '{"Version": "2012-10-17"}'}, {name: {}}), ({name: "{"}, {name: "[]"}))
