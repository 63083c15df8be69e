"""Chooses the action of a listener for a request. Pure.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rules.html.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from preflight.aws import iam_policy_evaluation

Rule = Mapping[str, Any]
Action = Mapping[str, Any]
Condition = Mapping[str, Any]
ROUTES = ("forward", "redirect", "fixed-response")
GOLDEN = (5**0.5 - 1) / 2  # its multiples fall evenly between 0 and 1


@dataclass(frozen=True)
class HttpRequest:
    """A request as a listener reads it; header names in lower case."""

    method: str
    target: str
    source: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """The host, without a port."""
        return self.headers.get("host", "").partition(":")[0]

    @property
    def path(self) -> str:
        """The path, not decoded."""
        return self._origin.partition("?")[0]

    @property
    def query(self) -> str:
        """The query, not decoded."""
        return self._origin.partition("?")[2]

    @property
    def _origin(self) -> str:
        """The target without a scheme and a host."""
        return self.target if self.target.startswith("/") else f"/{self.target.partition('://')[2].partition('/')[2]}"


def action(rules: Sequence[Rule], request: HttpRequest) -> Action | None:
    """Returns the routing action of the first rule by priority whose conditions all hold.

    Actions that authenticate are skipped, because no user can log in here.
    """
    for rule in sorted(rules, key=_priority):
        if rule.get("IsDefault") or all(_holds(condition, request) for condition in rule.get("Conditions") or []):
            actions = [action for action in rule.get("Actions") or [] if action.get("Type") in ROUTES]
            return actions[-1] if actions else None
    return None


def _priority(rule: Rule) -> int:
    text = str(rule.get("Priority"))
    return int(text) if text.isdigit() else 1 << 31


def weights(action: Action) -> dict[str, int]:
    """Returns the weight of each target group that an action forwards to, by ARN, the heaviest first."""
    weighted = (action.get("ForwardConfig") or {}).get("TargetGroups") or []
    pairs = [(str(group["TargetGroupArn"]), int(group.get("Weight", 1))) for group in weighted]
    by_arn = {arn: weight for arn, weight in sorted(pairs, key=lambda pair: -pair[1]) if weight}
    return by_arn or ({str(action["TargetGroupArn"]): 1} if action.get("TargetGroupArn") else {})


def target_groups(action: Action) -> list[str]:
    """Returns the ARNs of the target groups that an action forwards to, the heaviest first."""
    return list(weights(action))


def target_group(action: Action, turn: int) -> str | None:
    """Returns the target group of a request, the `turn`-th of its listener; among a few in a row, each group has its share.

    A group without a target keeps its share, as on AWS:
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html#forward-actions.
    """
    by_arn = weights(action)
    place = turn * GOLDEN % 1 * sum(by_arn.values())
    for arn, weight in by_arn.items():
        place -= weight
        if place < 0:
            return arn
    return next(iter(by_arn), None)


def _holds(condition: Condition, request: HttpRequest) -> bool:
    kind = condition.get("Field")
    values = _values(condition)
    if kind == "path-pattern":
        return any(iam_policy_evaluation.like(request.path, value) for value in values)
    if kind == "host-header":
        return any(iam_policy_evaluation.like(request.host.lower(), value.lower()) for value in values)
    if kind == "http-request-method":
        return request.method in values
    if kind == "source-ip":
        return any(ipaddress.ip_address(request.source) in ipaddress.ip_network(v, strict=False) for v in values)
    if kind == "http-header":
        name = str((condition.get("HttpHeaderConfig") or {}).get("HttpHeaderName", "")).lower()
        return any(iam_policy_evaluation.like(request.headers.get(name, "").lower(), value.lower()) for value in values)
    return kind == "query-string" and _has_query(condition, request)


def _values(condition: Condition) -> list[str]:
    configured = [
        config.get("Values") or []
        for key, config in condition.items()
        if key.endswith("Config") and isinstance(config, dict)
    ]
    values = next((values for values in configured if values), None) or condition.get("Values") or []
    return [str(value) for value in values if not isinstance(value, dict)]


def _has_query(condition: Condition, request: HttpRequest) -> bool:
    """Compare keys and values without regard to case; both may have wildcards."""
    pairs = parse_qsl(request.query.lower(), keep_blank_values=True)
    patterns = (condition.get("QueryStringConfig") or {}).get("Values") or []
    return any(
        iam_policy_evaluation.like(value, str(pattern.get("Value", "*")).lower())
        and iam_policy_evaluation.like(key, str(pattern.get("Key", "*")).lower())
        for pattern in patterns
        for key, value in pairs
    )


def location(config: Mapping[str, Any], request: HttpRequest, *, protocol: str, port: int) -> str:
    """Returns the address that a redirect leads to, its placeholders filled.

    Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RedirectActionConfig.html.
    """
    values = {"protocol": protocol.lower(), "host": request.host, "port": str(port)}
    values |= {"path": request.path.removeprefix("/"), "query": request.query}

    def fill(key: str, default: str) -> str:
        text = str(config.get(key) or default)
        for name, value in values.items():
            text = text.replace(f"#{{{name}}}", value)
        return text

    scheme, query = fill("Protocol", "#{protocol}").lower(), fill("Query", "#{query}")
    return f"{scheme}://{fill('Host', '#{host}')}:{fill('Port', '#{port}')}{fill('Path', '/#{path}')}" + (
        f"?{query}" if query else ""
    )
