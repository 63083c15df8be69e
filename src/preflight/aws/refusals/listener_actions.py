"""What Elastic Load Balancing refuses of the actions of listeners and rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from preflight.aws import constraints, unresolved
from preflight.aws.constraints import (
    Constraint,
    Fault,
    Object,
    Test,
    between,
    count,
    equal,
    lacks,
    needs,
    present,
    unequal,
    unique,
    value,
)
from preflight.aws.refusals import listener_responses

_API = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference"
_ACTION, _FORWARD, _REDIRECT, _FIXED = (
    f"{_API}/API_{name}.html"
    for name in ("Action", "ForwardActionConfig", "RedirectActionConfig", "FixedResponseActionConfig")
)
_OIDC, _STICKINESS = f"{_API}/API_AuthenticateOidcActionConfig.html", f"{_API}/API_TargetGroupStickinessConfig.html"
_REFUSED = "InvalidLoadBalancerAction"
_ROUTES = ("forward", "redirect", "fixed-response")
_CONFIGS = {
    "redirect": "RedirectConfig",
    "fixed-response": "FixedResponseConfig",
    "authenticate-oidc": "AuthenticateOidcConfig",
    "authenticate-cognito": "AuthenticateCognitoConfig",
    "jwt-validation": "JwtValidationConfig",
}
AUTHENTICATIONS = ("authenticate-oidc", "authenticate-cognito", "jwt-validation")


def _actions(part: Object, name: str) -> list[Object] | None:
    """Returns the actions in the order that they are performed in; None if that is not known."""
    value = constraints.get(part, name)
    if not isinstance(value, list) or any(not isinstance(a, Mapping) or unresolved.is_function(a) for a in value):
        return None
    if any(constraints.known(action, "Type") is None for action in value):
        return None
    orders = [constraints.as_number(constraints.get(action, "Order")) for action in value]
    if any(
        order is None and constraints.get(action, "Order") is not None
        for order, action in zip(orders, value, strict=True)
    ):
        return None
    positions = sorted(range(len(value)), key=lambda n: (orders[n] or 0, n))
    return [value[n] for n in positions]


def _listed(name: str, *types: str) -> Object:
    return {name: [{"Type": kind, "Order": n} for n, kind in enumerate(types, 1)]}


def _one_route(name: str) -> Test:
    """One action routes."""

    def faults(part: Object) -> Iterator[Fault]:
        actions = _actions(part, name)
        if actions is not None and sum(constraints.get(action, "Type") in _ROUTES for action in actions) != 1:
            yield Fault((name,))

    wrong = ((), ("forward", "forward"), ("forward", "fixed-response"), ("authenticate-oidc",))
    return Test(faults, (_listed(name, "forward"),), tuple(_listed(name, *types) for types in wrong))


def _route_last(name: str) -> Test:
    """The action that routes is the last."""

    def faults(part: Object) -> Iterator[Fault]:
        types = [str(constraints.get(action, "Type")) for action in _actions(part, name) or ()]
        if any(kind in _ROUTES for kind in types) and types[-1] not in _ROUTES:
            yield Fault((name,), next(kind for kind in types if kind in _ROUTES))

    return Test(
        faults, (_listed(name, "authenticate-oidc", "forward"),), (_listed(name, "forward", "authenticate-oidc"),)
    )


def _one_authentication(name: str) -> Test:
    """One action at most lets users log in."""

    def faults(part: Object) -> Iterator[Fault]:
        types = [constraints.get(action, "Type") for action in _actions(part, name) or ()]
        if sum(kind in AUTHENTICATIONS[:2] for kind in types) > 1:
            yield Fault((name,))

    right, wrong = ("authenticate-oidc", "forward"), ("authenticate-oidc", "authenticate-cognito", "forward")
    return Test(faults, (_listed(name, *right),), (_listed(name, *wrong),))


def _orders(name: str) -> Test:
    """Each of several actions has an order."""

    def faults(part: Object) -> Iterator[Fault]:
        actions = _actions(part, name) or []
        yield from (
            Fault((name, n))
            for n, action in enumerate(actions)
            if len(actions) > 1 and constraints.get(action, "Order") is None
        )

    wrong = {name: [{"Type": "authenticate-oidc"}, {"Type": "forward"}]}
    return Test(faults, (_listed(name, "authenticate-oidc", "forward"), {name: [{"Type": "forward"}]}), (wrong,))


def _same_group(part: Object) -> Iterator[Fault]:
    """A target group of its own and a config with groups name the same one."""
    single, groups = constraints.known(part, "TargetGroupArn"), constraints.items(part, "ForwardConfig.TargetGroups")
    arns = [constraints.known(group, "TargetGroupArn") if isinstance(group, Mapping) else None for group in groups]
    if single is not None and groups and (len(groups) > 1 or arns[0] not in (None, single)):
        yield Fault(("ForwardConfig", "TargetGroups"), single)


def _weights(part: Object) -> Iterator[Fault]:
    """Each of several target groups has a weight."""
    groups = constraints.items(part, "TargetGroups")
    for n, group in enumerate(groups if len(groups) > 1 else ()):
        if isinstance(group, Mapping) and not unresolved.is_function(group) and constraints.get(group, "Weight") is None:
            yield Fault(("TargetGroups", n))


_GROUP = {"TargetGroupArn": "a"}
_WEIGHED = {"TargetGroupArn": "b", "Weight": 1}
_DURATION = "Target group stickiness duration must be between 1 and 604800 seconds"
_STICKY = "ForwardConfig.TargetGroupStickinessConfig"
_FORWARDS = (
    Constraint(
        Test(
            _same_group,
            ({**_GROUP, "ForwardConfig": {"TargetGroups": [_GROUP]}},),
            tuple(
                {**_GROUP, "ForwardConfig": {"TargetGroups": groups}}
                for groups in ([{"TargetGroupArn": "b"}], [_GROUP, _GROUP])
            ),
        ),
        "ValidationError",
        "Only the target group '{value}' can be specified in 'ForwardConfig' beside it",
        _ACTION,
    ),
    Constraint(
        needs("TargetGroups"),
        "ValidationError",
        "A target group must be specified in 'ForwardConfig'",
        _FORWARD,
        at="ForwardConfig",
    ),
    Constraint(
        count("TargetGroups", 1, 5),
        "TooManyTargetGroups",
        "An action can have between 1 and 5 target groups, not {value}",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html",
        at="ForwardConfig",
    ),
    Constraint(
        unique("TargetGroups", "TargetGroupArn"),
        "ValidationError",
        "The target group '{value}' was specified more than once in an action",
        _FORWARD,
        at="ForwardConfig",
    ),
    Constraint(
        Test(
            _weights,
            ({"TargetGroups": [_GROUP]}, {"TargetGroups": [_WEIGHED, _WEIGHED]}),
            ({"TargetGroups": [_GROUP, _WEIGHED]},),
        ),
        "ValidationError",
        "A weight must be specified for each of several target groups of an action",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rule-actions.html",
        at="ForwardConfig",
    ),
    Constraint(
        value("Weight", between(0, 999)),
        "ValidationError",
        "Target group weight '{value}' must be between 0 and 999",
        f"{_API}/API_TargetGroupTuple.html",
        at="ForwardConfig.TargetGroups[]",
    ),
    Constraint(value("DurationSeconds", between(1, 604800)), "ValidationError", _DURATION, _STICKINESS, at=_STICKY),
    Constraint(
        needs("DurationSeconds"),
        "ValidationError",
        _DURATION,
        _STICKINESS,
        at=_STICKY,
        when=equal("Enabled", "true"),
        cure="Set DurationSeconds.",
    ),
)


def rows(name: str) -> tuple[Constraint, ...]:
    """Returns the rows about the list of actions with a name."""
    return (*_lists(name), *_types(f"{name}[]"), *_forwards(f"{name}[]"), *listener_responses.rows(f"{name}[]"))


def _lists(name: str) -> Iterator[Constraint]:
    for test, sentence in (
        (_one_route(name), "Exactly one action of type 'forward', 'redirect' or 'fixed-response' must be specified"),
        (_route_last(name), "The action of type '{value}' must be the last action to be performed"),
        (_one_authentication(name), "Only one action that authenticates users can be specified"),
        (_orders(name), "An order must be specified for each of several actions"),
        (unique(name, "Order"), "The order '{value}' was specified for more than one action"),
    ):
        yield Constraint(test, _REFUSED, sentence, _ACTION)


def _types(at: str) -> Iterator[Constraint]:
    """An action has the configuration of its type, and no other."""
    yield Constraint(
        present(1, 2, "TargetGroupArn", "ForwardConfig"),
        _REFUSED,
        "A target group must be specified for an action of type 'forward'",
        _ACTION,
        at=at,
        when=equal("Type", "forward"),
    )
    for kind, config in _CONFIGS.items():
        sentence = f"'{config}' must be specified for an action of type '{kind}'"
        yield Constraint(needs(config), _REFUSED, sentence, _ACTION, at=at, when=equal("Type", kind))
    for config, kind in (
        (c, k) for k, c in (*_CONFIGS.items(), ("forward", "ForwardConfig"), ("forward", "TargetGroupArn"))
    ):
        sentence = f"'{config}' cannot be specified for an action of type '{{value}}'"
        test = lacks(config, shows="Type")
        yield Constraint(test, _REFUSED, sentence, _ACTION, at=at, when=unequal("Type", kind), cure=f"Remove {config}.")


def _forwards(at: str) -> Iterator[Constraint]:
    yield from (replace(row, at=f"{at}.{row.at}" if row.at else at) for row in _FORWARDS)
