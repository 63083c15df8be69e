"""What SNS refuses of the filter policies of subscriptions.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html and the pages below it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.aws import unresolved
from preflight.aws.constraints import Constraint, Fault, equal
from preflight.aws.refusals import json_documents
from preflight.aws.refusals.json_documents import Document, DocumentRule

_GUIDE = "https://docs.aws.amazon.com/sns/latest/dg"
_PAGE = f"{_GUIDE}/sns-subscription-filter-policies.html"
_CONSTRAINTS = f"{_GUIDE}/subscription-filter-policy-constraints.html"
_INVALID = "InvalidParameter"
_REASON = "Invalid parameter: Attributes Reason: FilterPolicy: "
_MOST = 5  # keys of a policy about attributes
_OF_ATTRIBUTES = equal("FilterPolicyScope", "MessageAttributes", default="MessageAttributes")


def _lists(document: Document) -> Iterator[tuple[str, list[Any]]]:
    """Yields the lists of matchers with their keys, also those of nested objects."""
    for key, item in document.items():
        if isinstance(item, list):
            yield key, item
        elif isinstance(item, Mapping) and not unresolved.is_function(item):
            yield from _lists(item)


def _scalars(document: Document) -> Iterator[Fault]:
    yield from (Fault((key,), key) for key, item in document.items() if not isinstance(item, list | Mapping))


def _empty(document: Document) -> Iterator[Fault]:
    yield from (Fault((key,), key) for key, matchers in _lists(document) if not matchers)


def _nested_lists(document: Document) -> Iterator[Fault]:
    yield from (Fault((key,), key) for key, matchers in _lists(document) if any(isinstance(matcher, list) for matcher in matchers))


def _nothing(document: Document) -> Iterator[Fault]:
    yield from (Fault((key,), key) for key, matchers in _lists(document) if {} in matchers)


def _many(document: Document) -> Iterator[Fault]:
    if len(document) > _MOST:
        yield Fault((), len(document))


def _nested(document: Document) -> Iterator[Fault]:
    yield from (Fault((key,), key) for key, item in document.items() if isinstance(item, Mapping) and not unresolved.is_function(item))


_ANY_SCOPE = (
    DocumentRule(_scalars, f'{_REASON}"{{value}}" must be an object or an array', _PAGE, ({"a": ["b"]}, {"a": {"b": [1]}}), ({"a": "b"},)),
    DocumentRule(_empty, f"{_REASON}Empty arrays are not allowed: {{value}}", _PAGE, ({"a": ["b"]},), ({"a": []}, {"a": {"b": []}})),
    DocumentRule(
        _nested_lists,
        f"{_REASON}Match value must be String, number, true, false, or null: {{value}}",
        _PAGE,
        ({"a": ["b", 1, True, None]},),
        ({"a": [["b"]]},),
    ),
    DocumentRule(
        _nothing, f"{_REASON}Unrecognized match type: {{value}}", _PAGE, ({"a": [{"prefix": "b"}]},), ({"a": [{}]}, {"a": {"b": ["c", {}]}})
    ),
)
_ATTRIBUTES = (
    DocumentRule(
        _many,
        f"{_REASON}Filter policy can not have more than {_MOST} keys",
        _CONSTRAINTS,
        ({key: ["x"] for key in "abcde"},),
        ({key: ["x"] for key in "abcdef"},),
    ),
    DocumentRule(
        _nested,
        "Invalid parameter: Attributes Reason: Filter policy scope MessageAttributes does not support nested filter policy",
        _CONSTRAINTS,
        ({"a": ["b"]},),
        ({"a": {"b": ["c"]}},),
        cure="Set FilterPolicyScope to MessageBody, or name attributes at the top.",
    ),
)


def rows() -> tuple[Constraint, ...]:
    """Returns the rows of a subscription."""
    return (
        Constraint(json_documents.text_of_json("FilterPolicy"), _INVALID, f"{_REASON}failed to parse JSON.", _PAGE),
        *json_documents.rows(_ANY_SCOPE, "FilterPolicy", code=_INVALID),
        *json_documents.rows(_ATTRIBUTES, "FilterPolicy", code=_INVALID, when=_OF_ATTRIBUTES),
    )
