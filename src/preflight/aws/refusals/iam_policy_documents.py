"""The grammar of IAM's policies, as rows for any property that holds one, as an object or as text.

What is unknown, an intrinsic function or a policy variable, is skipped wherever it stands in a document.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from preflight.aws import unresolved
from preflight.aws.constraints import Fault
from preflight.aws.iam_policy_evaluation import Policy
from preflight.aws.refusals.json_documents import DocumentRule

USER_GUIDE = "https://docs.aws.amazon.com/IAM/latest/UserGuide"
SYNTAX = "Syntax errors in policy."
_ELEMENTS = f"{USER_GUIDE}/reference_policies_elements"
_GRAMMAR = f"{USER_GUIDE}/reference_policies_grammar.html"
_KEYS = {"Version", "Id", "Statement"}
_STATEMENT_KEYS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition"}

Faults = Callable[[Policy], Iterator[Fault]]


def of_statements(faults: Faults, sentence: str, page: str, *, right: tuple[Policy, ...], wrong: tuple[Policy, ...], cure: str = "") -> DocumentRule:
    """Returns a rule about each statement; the examples are statements."""

    def in_document(document: Policy) -> Iterator[Fault]:
        for path, statement in statements(document):
            yield from (Fault((*path, *fault.path), fault.value) for fault in faults(statement))

    def documents(examples: tuple[Policy, ...]) -> tuple[Policy, ...]:
        return tuple({"Statement": [statement]} for statement in examples)

    return DocumentRule(in_document, sentence, page, documents(right), documents(wrong), cure)


def statements(document: Policy) -> Iterator[tuple[tuple[str | int, ...], Policy]]:
    """Yields the statements whose elements are known, with their paths."""
    value = document.get("Statement")
    listed = enumerate(value) if isinstance(value, list) else [(None, value)]
    for number, statement in listed:
        if isinstance(statement, Mapping) and not any(_is_function(statement, key) for key in statement):
            yield ("Statement",) if number is None else ("Statement", number), statement


def _is_function(statement: Policy, key: Any) -> bool:
    return str(key).startswith("Fn::") or unresolved.is_function(statement)


def texts(value: Any, *names: str) -> Iterator[tuple[str, str]]:
    """Yields the known texts of elements, each one text or a list, with the element's name; none with a variable."""
    for name in names:
        items = value.get(name)
        for item in items if isinstance(items, list) else [items]:
            if isinstance(item, str) and "${" not in item and not unresolved.is_function(item):
                yield name, item


def wrong_texts(is_right: Callable[[str], bool], *names: str) -> Faults:
    """Faults of the texts of elements that are not right."""

    def faults(statement: Policy) -> Iterator[Fault]:
        yield from (Fault((name,), text) for name, text in texts(statement, *names) if not is_right(text))

    return faults


def without_all(*names: str) -> Faults:
    """Faults of a statement that has none of the elements, or an empty list of one."""

    def faults(statement: Policy) -> Iterator[Fault]:
        if all(statement.get(name) in (None, []) for name in names):
            yield Fault(())

    return faults


def with_any(*names: str) -> Faults:
    """Faults of a statement that has one of the elements."""

    def faults(statement: Policy) -> Iterator[Fault]:
        yield from (Fault((name,), name) for name in names if name in statement)

    return faults


def size(value: Any) -> int:
    """Returns how many characters of a document are known, without white space, which IAM does not count."""
    text = value if isinstance(value, str) else json.dumps(_known(value), separators=(",", ":"), ensure_ascii=False)
    return len(re.sub(r"\s", "", text))


def _known(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _known(item) for key, item in value.items() if not unresolved.is_function(item)}
    if isinstance(value, list):
        return [_known(item) for item in value if not unresolved.is_function(item)]
    return value if isinstance(value, int) else str(value)


def _top(document: Policy) -> Iterator[Fault]:
    yield from (Fault((key,), key) for key in document if key not in _KEYS and not str(key).startswith("Fn::"))
    version = document.get("Version")
    if version is not None and not unresolved.is_function(version) and str(version) not in {"2008-10-17", "2012-10-17"}:
        yield Fault(("Version",), version)
    value = document.get("Statement")
    if not value and not any(str(key).startswith("Fn::") for key in document):
        yield Fault(("Statement",))
    if isinstance(value, list):
        yield from (Fault(("Statement", n), s) for n, s in enumerate(value) if not isinstance(s, Mapping))
    elif value and not isinstance(value, Mapping) and not unresolved.is_function(value):
        yield Fault(("Statement",), value)


def _elements(statement: Policy) -> Iterator[Fault]:
    yield from (Fault((key,), key) for key in statement if key not in _STATEMENT_KEYS)
    effect = statement.get("Effect")
    if not unresolved.is_function(effect) and effect not in ("Allow", "Deny"):
        yield Fault(("Effect",), effect)
    for name in ("Action", "NotAction", "Resource", "NotResource"):
        yield from (Fault((name,), item) for item in _listed(statement.get(name)) if not isinstance(item, str | Mapping))
    for name in ("Action", "Resource", "Principal"):
        if name in statement and f"Not{name}" in statement:
            yield Fault((f"Not{name}",), name)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _sids(document: Policy) -> Iterator[Fault]:
    seen = set()
    for path, statement in statements(document):
        sid = statement.get("Sid")
        if isinstance(sid, str) and sid in seen and not unresolved.is_function(sid):
            yield Fault((*path, "Sid"), sid)
        seen.add(sid if isinstance(sid, str) and sid else None)


_ALLOW = {"Effect": "Allow"}

SYNTAX_RULES = (
    DocumentRule(
        _top,
        SYNTAX,
        _GRAMMAR,
        right=({"Version": "2012-10-17", "Id": "x", "Statement": [_ALLOW]}, {"Version": "2008-10-17", "Statement": _ALLOW}),
        wrong=({"Version": "2012-10-18", "Statement": [_ALLOW]}, {"Statement": []}, {"Statement": "x"}, {}, {"Statement": _ALLOW, "Comment": "x"}),
        cure="A policy has a Version, 2012-10-17 or 2008-10-17, an Id and statements, and nothing else.",
    ),
    of_statements(
        _elements,
        SYNTAX,
        _GRAMMAR,
        right=(_ALLOW, {"Effect": "Deny", "NotAction": "*", "Sid": "", "Condition": {}}),
        wrong=({}, {"Effect": "allow"}, {**_ALLOW, "Comment": "x"}, {**_ALLOW, "Action": 1}, {**_ALLOW, "Action": "*", "NotAction": "s3:*"}),
        cure="Write Allow or Deny as Effect, and only elements of the grammar, each of them or its Not... alone.",
    ),
    of_statements(
        without_all("Action", "NotAction"),
        "Policy statement must contain actions.",
        f"{_ELEMENTS}_action.html",
        right=({"Action": "*"}, {"NotAction": ["s3:*"]}),
        wrong=(_ALLOW, {"Action": []}),
    ),
    of_statements(
        wrong_texts(lambda text: text == "*" or ":" in text, "Action", "NotAction"),
        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        f"{_ELEMENTS}_action.html",
        right=({"Action": "*"}, {"Action": ["s3:Get*", "${x}"]}),
        wrong=({"Action": "GetObject"}, {"NotAction": ["s3:GetObject", "s3"]}),
    ),
    of_statements(
        wrong_texts(lambda text: text.count(":") <= 1, "Action", "NotAction"),
        "Actions/Condition can contain only one colon.",
        f"{_ELEMENTS}_action.html",
        right=({"Action": "s3:Get*"},),
        wrong=({"Action": "s3:Get:Object"}, {"NotAction": ["s3::*"]}),
    ),
    of_statements(
        wrong_texts(lambda text: re.fullmatch(r"\*|[A-Za-z0-9.-]+", text.partition(":")[0]) is not None, "Action", "NotAction"),
        "Vendor {value} is not valid",
        f"{_ELEMENTS}_action.html",
        right=({"Action": "execute-api:*"}, {"Action": "*"}),
        wrong=({"Action": "s3*:Get"}, {"Action": " ecs:RunTask"}),
    ),
)
SID_RULES = (
    of_statements(
        wrong_texts(lambda text: re.fullmatch("[0-9A-Za-z]*", text) is not None, "Sid"),
        "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
        f"{_ELEMENTS}_sid.html",
        right=({"Sid": "ReadConfig1"}, {"Sid": ""}),
        wrong=({"Sid": "read-config"}, {"Sid": "Read config"}),
    ),
)
UNIQUE_SIDS = DocumentRule(
    _sids,
    "Statement IDs (SID) in a single policy must be unique.",
    f"{_ELEMENTS}_sid.html",
    right=({"Statement": [{"Sid": "A"}, {"Sid": "B"}, {"Sid": ""}, {"Sid": ""}]},),
    wrong=({"Statement": [{"Sid": "A"}, {"Sid": "A"}]},),
)
