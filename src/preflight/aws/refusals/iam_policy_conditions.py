"""The conditions of IAM's policies: operators that exist, and values of their kind.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from preflight.aws import unresolved
from preflight.aws.constraints import Fault, as_number
from preflight.aws.iam_policy_evaluation import Policy
from preflight.aws.refusals.iam_policy_documents import SYNTAX, USER_GUIDE, of_statements
from preflight.aws.refusals.json_documents import DocumentRule

_PAGE = f"{USER_GUIDE}/reference_policies_elements_condition_operators.html"
_LEGACY = "The policy failed legacy parsing"
_ORDERS = ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
_TEXTS = ("Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike")
_KINDS: Mapping[str, tuple[str, ...]] = {
    "String": tuple(f"String{name}" for name in _TEXTS),
    "Numeric": tuple(f"Numeric{name}" for name in _ORDERS),
    "Date": tuple(f"Date{name}" for name in _ORDERS),
    "Bool": ("Bool",),
    "Binary": ("BinaryEquals",),
    "Ip": ("IpAddress", "NotIpAddress"),
    "Arn": ("ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"),
    "Null": ("Null",),
}
_KIND_OF = {name: kind for kind, names in _KINDS.items() for name in names}
_OPERATOR = re.compile(r"(?:ForAllValues:|ForAnyValue:)?(?P<name>.+?)(?P<optional>IfExists)?")
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?", re.IGNORECASE)


def _kind(operator: str) -> str | None:
    """Returns what an operator compares, None if there is no such operator; Null takes no IfExists."""
    match = _OPERATOR.fullmatch(operator)
    kind = _KIND_OF.get(match["name"]) if match else None
    return None if match and match["optional"] and kind == "Null" else kind


def _conditions(statement: Policy) -> Iterator[tuple[str, Any]]:
    value = statement.get("Condition")
    if isinstance(value, Mapping) and not unresolved.is_function(value):
        yield from ((name, keys) for name, keys in value.items() if not str(name).startswith("Fn::"))


def _operators(statement: Policy) -> Iterator[Fault]:
    if isinstance(statement.get("Condition"), (str, list)) and not unresolved.is_function(statement["Condition"]):
        yield Fault(("Condition",), statement["Condition"])
    for operator, keys in _conditions(statement):
        if not isinstance(keys, Mapping) or (keys and _kind(str(operator)) is None):
            yield Fault(("Condition", operator), operator)


def _values(kind: str, fits: Callable[[str], bool]) -> Callable[[Policy], Iterator[Fault]]:
    def faults(statement: Policy) -> Iterator[Fault]:
        for operator, keys in _conditions(statement):
            if _kind(str(operator)) == kind and isinstance(keys, Mapping) and not unresolved.is_function(keys):
                for key, operands in keys.items():
                    wrong = (v for v in _listed(operands) if not fits(v))
                    yield from (Fault(("Condition", operator, key), value) for value in wrong)

    return faults


def _listed(operands: Any) -> Iterator[str]:
    """Yields the known values of a condition key as texts."""
    for value in operands if isinstance(operands, list) else [operands]:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if value is not None and not unresolved.contains_function(value) and "${" not in text:
            yield text


def _is_date(text: str) -> bool:
    """Whether a text is a W3C profile of ISO 8601, or seconds of Unix time."""
    if text.lstrip("-").isdigit():
        return True
    if not _DATE.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text[:10] if len(text) >= 10 else f"{text}-01-01"[:10])
    except ValueError:
        return False
    return True


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _is_arn(text: str) -> bool:
    is_pattern = "*" in text or "?" in text
    return text.startswith(("*", "?")) or (text.startswith("arn:") and (is_pattern or text.count(":") >= 5))


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        return False
    return True


def _bare_keys(statement: Policy) -> Iterator[Fault]:
    """Faults of condition keys without the service that they are of."""
    for operator, keys in _conditions(statement):
        names = keys if isinstance(keys, Mapping) and not unresolved.is_function(keys) else ()
        yield from (Fault(("Condition", operator, name), name) for name in names if ":" not in str(name))


def _boolean(text: str) -> bool:
    return text.lower() in {"true", "false"}


def _rule(kind: str, fits: Callable[[str], bool], sentence: str, *, right: tuple[Any, ...], wrong: tuple[Any, ...]) -> DocumentRule:
    """Returns the rule about the values of a kind's operators; the examples are values."""
    name = _KINDS[kind][0]

    def conditions(values: tuple[Any, ...]) -> tuple[Policy, ...]:
        return tuple({"Condition": {name: {"aws:x": value}}} for value in values)

    cure = f"Write values as the page shows them for {name}."
    return of_statements(_values(kind, fits), sentence, _PAGE, right=conditions(right), wrong=conditions(wrong), cure=cure)


CONDITION_RULES = (
    of_statements(
        _operators,
        SYNTAX,
        _PAGE,
        right=(
            {"Condition": {"StringEqualsIfExists": {"aws:x": "y"}, "Null": {"aws:x": "true"}}},
            {"Condition": {"ForAllValues:StringLike": {"aws:x": ["y"]}, "ForAnyValue:ArnLikeIfExists": {"aws:x": "*"}}},
        ),
        wrong=(
            {"Condition": {"StringMatches": {"aws:x": "y"}}},
            {"Condition": {"NullIfExists": {"aws:x": "true"}}},
            {"Condition": {"AnyValue:StringEquals": {"aws:x": "y"}}},
            {"Condition": {"StringEquals": "y"}},
            {"Effect": "Allow", "Condition": "x"},
        ),
        cure="Use an operator of the page, with condition keys and their values.",
    ),
    _rule("Numeric", lambda text: as_number(text) is not None, SYNTAX, right=("10", 10, ["1", "2"], "${x}"), wrong=("ten", ["1", "a"])),
    _rule("Date", _is_date, _LEGACY, right=("2030-01-01T00:00:00Z", "2030-01-01", "1893456000"), wrong=("tomorrow", "2030-13-01")),
    _rule("Bool", _boolean, SYNTAX, right=(True, "false", "True"), wrong=("yes", "1")),
    _rule("Null", _boolean, SYNTAX, right=("true", False), wrong=("yes",)),
    of_statements(
        _bare_keys,
        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        f"{USER_GUIDE}/reference_policies_condition-keys.html",
        right=({"Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1", "accounts.google.com:aud": "a"}}},),
        wrong=({"Condition": {"StringEquals": {"SourceVpc": "vpc-1"}}},),
    ),
    _rule("Binary", _is_base64, SYNTAX, right=("QmluYXJ5VmFsdWU=", ["YQ=="]), wrong=("not base64!", "YQ")),
    _rule("Ip", _is_network, SYNTAX, right=("203.0.113.0/24", "203.0.113.7", "2001:db8::/32"), wrong=("203.0.113.0/33", "example.com")),
    _rule(
        "Arn",
        _is_arn,
        SYNTAX,
        right=("arn:aws:s3:::b", "arn:*", "*", "arn:aws:sns:*:*:t"),
        wrong=("notanarn", "arn:aws:s3", "123456789012"),
    ),
)
