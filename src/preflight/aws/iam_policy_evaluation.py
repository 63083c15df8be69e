"""Evaluates IAM policies as AWS does for one request. Pure.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import fnmatch
import glob
import ipaddress
import json
import operator as operators
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

Policy = Mapping[str, Any]
Value = str | tuple[str, ...]  # of a condition key: one text, or several
WITH_VARIABLES = "2012-10-17"  # the version of policies that have variables


@dataclass(frozen=True)
class RequestContext:
    """Who wants to do what to what; `context` holds condition keys in lower case.

    `resource` is None if the resource of the action is not known: any Allow of the action
    will do then, and only a Deny on everything forbids it.
    """

    action: str
    resource: str | None = "*"
    context: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Policies:
    """The policies that bear on a principal; `boundary` and `session` are None where there is none."""

    identity: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    session: tuple[Policy, ...] | None = None


def allows(policies: Policies, request: RequestContext) -> bool:
    """Whether the request is allowed: no Deny anywhere, an Allow in an identity policy, the boundary and the session."""
    return not forbids(policies, request) and any(_has(policy, "Allow", request) for policy in policies.identity)


def forbids(policies: Policies, request: RequestContext) -> bool:
    """Whether no resource's policy can allow the request either: a Deny, or no Allow in boundary or session."""
    return rejects(policies, request) or any(
        not any(_has(policy, "Allow", request) for policy in limit) for limit in _limits(policies).values()
    )


def rejects(policies: Policies, request: RequestContext) -> bool:
    """Whether one of the policies has a Deny for the request."""
    every = (*policies.identity, *(policy for limit in _limits(policies).values() for policy in limit))
    return any(_has(policy, "Deny", request) for policy in every)


def _limits(policies: Policies) -> Mapping[str, tuple[Policy, ...]]:
    """What can only take away, by AWS's name for it."""
    boundary = {"permissions boundary": (policies.boundary,)} if policies.boundary is not None else {}
    session = {"session policy": policies.session} if policies.session is not None else {}
    return {**boundary, **session}


def denial_reason(policies: Policies, request: RequestContext) -> str:
    """The end of AWS's denial sentence."""
    if any(_has(policy, "Deny", request) for policy in policies.identity):
        return "with an explicit deny in an identity-based policy"
    for name, limit in _limits(policies).items():
        if any(_has(policy, "Deny", request) for policy in limit):
            return f"with an explicit deny in a {name}"
        if not any(_has(policy, "Allow", request) for policy in limit):
            return f"because no {name} allows the {request.action} action"
    return f"because no identity-based policy allows the {request.action} action"


def trusts(policy: Policy, service: str, request: RequestContext) -> bool:
    """Whether a trust policy lets the service principal `service` assume the role."""
    if any(_names(s, service) and _applies(s, request) for s in _statements(policy, "Deny")):
        return False
    return any(_names(s, service) and _applies(s, request) for s in _statements(policy, "Allow"))


def federates(policy: Policy, provider: str, request: RequestContext) -> bool:
    """Whether a trust policy lets who comes from the identity provider with the ARN `provider` assume the role."""

    def admits(effect: str) -> bool:
        return any(
            _is_federated(s.get("Principal"), provider) and _applies(s, request) for s in _statements(policy, effect)
        )

    return admits("Allow") and not admits("Deny")


def _is_federated(principal: object, provider: str) -> bool:
    providers = _list(principal.get("Federated")) if isinstance(principal, Mapping) else [principal]
    return provider in providers or "*" in providers


def denies(policy: Policy, principals: Collection[str], request: RequestContext) -> bool:
    """Whether a resource's policy denies the request to one of the principals (ARNs, account numbers)."""
    return _has_for(policy, "Deny", principals, request)


def grants(policy: Policy, principals: Collection[str], request: RequestContext) -> bool:
    """Whether a resource's policy allows the request to one of the principals."""
    return _has_for(policy, "Allow", principals, request)


def allows_service(policy: Policy, service: str, request: RequestContext) -> bool:
    """Whether a resource's policy allows the request to the service principal `service`."""
    return any(
        _names(statement, service) and _applies(statement, request) and _covers(statement, request, "Allow")
        for statement in _statements(policy, "Allow")
    )


def _has_for(policy: Policy, effect: str, principals: Collection[str], request: RequestContext) -> bool:
    return any(
        _is_for(statement, principals)
        and _applies(statement, request)
        and ("Resource" not in statement or _covers(statement, request, effect))
        for statement in _statements(policy, effect)
    )


def _is_for(statement: Policy, principals: Collection[str]) -> bool:
    if "NotPrincipal" in statement:
        return not _is_for({"Principal": statement["NotPrincipal"]}, principals)
    principal = statement.get("Principal")
    if principal == "*":
        return True
    names = [str(name) for name in _list(principal.get("AWS"))] if isinstance(principal, Mapping) else []
    accounts = [value[1] for value in map(_ROOT.fullmatch, names) if value]
    return "*" in names or any(name in principals for name in [*names, *accounts])


_ROOT = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):root")
# https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html
_REGIONAL_NAME = re.compile(r"(states|codedeploy)\.[a-z]{2}(?:-[a-z]+)+-\d\.amazonaws\.com")


def document(text: object) -> Policy | None:
    """A policy document as data; None where there is none that can be read."""
    if isinstance(text, Mapping):
        return text
    try:
        read = json.loads(str(text)) if text else None
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, Mapping) else None


def _names(statement: Policy, service: str) -> bool:
    principal = statement.get("Principal")
    if principal == "*":
        return True
    services = _list(principal.get("Service")) if isinstance(principal, Mapping) else []
    return any(name in (service, "*") or _is_regional_name(str(name), service) for name in services)


def _is_regional_name(name: str, service: str) -> bool:
    """Whether a principal is the name that a service has in one region, such as states.us-east-1.amazonaws.com."""
    regional = _REGIONAL_NAME.fullmatch(name)
    return regional is not None and service == f"{regional[1]}.amazonaws.com"


def _has(policy: Policy, effect: str, request: RequestContext) -> bool:
    return any(
        _applies(statement, request) and _covers(statement, request, effect)
        for statement in _statements(policy, effect)
    )


def _statements(policy: Policy, effect: str) -> Iterable[Policy]:
    statements = policy.get("Statement", [])
    for statement in [statements] if isinstance(statements, Mapping) else statements:
        if isinstance(statement, Mapping) and statement.get("Effect") == effect:
            yield statement if policy.get("Version") == WITH_VARIABLES else _taken_literally(statement)


def _taken_literally(statement: Policy) -> Policy:
    """A statement of a version that knows no variables: what looks like one is text.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html.
    """
    text = json.dumps(statement)
    read: Policy = json.loads(text.replace("${", "${$}{")) if "${" in text else statement
    return read


def _applies(statement: Policy, request: RequestContext) -> bool:
    if "NotAction" in statement:
        is_named = not _any_match(statement["NotAction"], request.action.lower(), lower=True)
    else:
        is_named = _any_match(statement.get("Action", []), request.action.lower(), lower=True)
    return is_named and _conditions_hold(statement.get("Condition") or {}, request)


def _covers(statement: Policy, request: RequestContext, effect: str) -> bool:
    if request.resource is None:
        return effect == "Allow" or "*" in _list(statement.get("Resource"))
    if "NotResource" in statement:
        return not _any_match(statement["NotResource"], request.resource, request.context)
    return _any_match(statement.get("Resource", []), request.resource, request.context)


def _any_match(patterns: object, text: str, context: Mapping[str, Value] | None = None, *, lower: bool = False) -> bool:
    filled = (_glob(pattern, context or {}) for pattern in map(str, _list(patterns)))
    return any(_matches(text, p.lower() if lower else p) for p in filled if p is not None)


_VARIABLE = re.compile(r"\$\{([^}]+)\}")
_DEFAULT = re.compile(r"(?P<key>[^,]+?)\s*(?:,\s*'(?P<default>[^']*)')?\s*")
_Part = Callable[[str], str]


def _filled(text: str, context: Mapping[str, Value], *, written: _Part = str, value: _Part = str) -> str | None:
    """A text with its policy variables filled in; None where one has no value, and nothing matches then.

    `written` and `value` say what becomes of what is written there, and of what is filled in.
    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html.
    """
    end = text.rfind("}") + 1  # no variable begins behind it, however many signs of one there are
    parts = _VARIABLE.split(text[:end])  # what is written and names of variables by turns
    parts[-1] += text[end:]
    values = [_value(name, context) for name in parts[1::2]]
    if None in values:
        return None
    parts[::2] = map(written, parts[::2])
    parts[1::2] = (value(str(replacement)) for replacement in values)
    return "".join(parts)


def _value(variable: str, context: Mapping[str, Value]) -> str | None:
    """The value of a policy variable: of a condition key, its default, or one of the three signs."""
    match = _DEFAULT.fullmatch(variable)
    if variable in {"*", "?", "$"} or match is None:
        return variable if match else None
    value = context.get(match["key"].strip().lower())
    return value if isinstance(value, str) else match["default"]


def _glob(pattern: str, context: Mapping[str, Value]) -> str | None:
    """An IAM pattern as one of fnmatch; what variables stand for is matched literally."""
    return _filled(pattern, context, written=_wild, value=glob.escape)


def _wild(pattern: str) -> str:
    return pattern.replace("[", "[[]")


def _matches(text: str, pattern: str) -> bool:
    return re.fullmatch(fnmatch.translate(pattern), text) is not None


def like(text: str, pattern: str) -> bool:
    """Whether `text` matches an IAM pattern, in which `*` and `?` are wild and nothing else is."""
    return _matches(text, _wild(pattern))


def _list(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _conditions_hold(conditions: Mapping[str, Mapping[str, object]], request: RequestContext) -> bool:
    return all(
        _condition_holds(operator, request.context.get(key.lower()), _wanted(operator, wanted, request.context))
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
        if request.resource is not None or "resourcetag/" not in key.lower()
    )


def _wanted(operator: str, wanted: object, context: Mapping[str, Value]) -> list[str]:
    fill = _glob if "Like" in operator or "Arn" in operator else _filled
    filled = (fill(_text(value), context) for value in _list(wanted))
    return [value for value in filled if value is not None]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _condition_holds(operator: str, actual: Value | None, wanted: list[str]) -> bool:
    """Whether one condition holds; those over several values by the operator's prefix.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html.
    """
    quantifier, _, name = operator.rpartition(":")
    values = () if actual is None else (actual,) if isinstance(actual, str) else actual
    if quantifier == "ForAllValues":
        return all(_holds_for(name, value, wanted) for value in values)
    if quantifier == "ForAnyValue":
        if actual is None and name.endswith("IfExists"):
            return True
        return any(_holds_for(name, value, wanted) for value in values)
    if actual is None:
        return _holds_for(name, None, wanted)
    return any(_holds_for(name, value, wanted) for value in values)


def _holds_for(name: str, actual: str | None, wanted: list[str]) -> bool:
    if name == "Null":
        return any((actual is None) == (value.lower() == "true") for value in wanted)
    if name.endswith("IfExists"):
        if actual is None:
            return True
        name = name.removesuffix("IfExists")
    is_negated = "Not" in name
    test = _TESTS.get(name.replace("Not", ""))
    if test is None:
        return False  # an unknown operator admits nothing
    if actual is None:
        return is_negated
    return any(test(actual, value) for value in wanted) != is_negated


def _in_block(actual: str, block: str) -> bool:
    try:
        return ipaddress.ip_address(actual) in ipaddress.ip_network(block, strict=False)
    except ValueError:
        return False


def _moment(text: str) -> float:
    """A date, or seconds of Unix time, as seconds of Unix time."""
    try:
        return float(text)
    except ValueError:
        read = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return (read if read.tzinfo else read.replace(tzinfo=timezone.utc)).timestamp()


_Test = Callable[[str, str], bool]


def _ordered(read: Callable[[str], float], compare: Callable[[float, float], bool]) -> _Test:
    """A test of what can be read so; of what cannot, it does not hold."""

    def test(actual: str, value: str) -> bool:
        try:
            return compare(read(actual), read(value))
        except ValueError:
            return False

    return test


_ORDERS: Mapping[str, Callable[[float, float], bool]] = {
    "Equals": operators.eq,
    "LessThan": operators.lt,
    "LessThanEquals": operators.le,
    "GreaterThan": operators.gt,
    "GreaterThanEquals": operators.ge,
}
_TESTS: Mapping[str, _Test] = {
    "StringEquals": lambda actual, value: actual == value,
    "StringEqualsIgnoreCase": lambda actual, value: actual.lower() == value.lower(),
    "StringLike": _matches,
    "ArnEquals": _matches,
    "ArnLike": _matches,
    "Bool": lambda actual, value: actual.lower() == value.lower(),
    "IpAddress": _in_block,
    **{f"Numeric{name}": _ordered(float, compare) for name, compare in _ORDERS.items()},
    **{f"Date{name}": _ordered(_moment, compare) for name, compare in _ORDERS.items()},
}
