"""Which action of a listener a request gets: described rules in, one action out. Pure.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rules.html.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from preflight.aws import iam_policy

Described = Mapping[str, Any]
ROUTES = ("forward", "redirect", "fixed-response")


@dataclass(frozen=True)
class HttpRequest:
    """What a listener sees of a request; header names in lower case."""

    method: str
    target: str
    source: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """The host it names, without a port."""
        return self.headers.get("host", "").partition(":")[0]

    @property
    def path(self) -> str:
        """The path it names, as it is written."""
        return self._origin.partition("?")[0]

    @property
    def query(self) -> str:
        """The query it names, as it is written."""
        return self._origin.partition("?")[2]

    @property
    def _origin(self) -> str:
        """The target without the scheme and host that may stand before it."""
        return self.target if self.target.startswith("/") else f"/{self.target.partition('://')[2].partition('/')[2]}"


def action(rules: Sequence[Described], asked: HttpRequest) -> Described | None:
    """The action that routes the request: of the first rule by priority whose conditions all hold.

    Actions that authenticate are skipped: there is no login here.
    """
    for rule in sorted(rules, key=_priority):
        if rule.get("IsDefault") or all(_holds(condition, asked) for condition in rule.get("Conditions") or []):
            routing = [a for a in rule.get("Actions") or [] if a.get("Type") in ROUTES]
            return routing[-1] if routing else None
    return None


def _priority(rule: Described) -> int:
    text = str(rule.get("Priority"))
    return int(text) if text.isdigit() else 1 << 31


def target_groups(routed: Described) -> list[str]:
    """ARNs of the target groups that an action forwards to, the heaviest first."""
    weighted = (routed.get("ForwardConfig") or {}).get("TargetGroups") or []
    arns = [g["TargetGroupArn"] for g in sorted(weighted, key=lambda g: -int(g.get("Weight", 1))) if g.get("Weight", 1)]
    return arns or ([routed["TargetGroupArn"]] if routed.get("TargetGroupArn") else [])


def _holds(condition: Described, asked: HttpRequest) -> bool:
    kind = condition.get("Field")
    values = _values(condition)
    if kind == "path-pattern":
        return any(iam_policy.like(asked.path, value) for value in values)
    if kind == "host-header":
        return any(iam_policy.like(asked.host.lower(), value.lower()) for value in values)
    if kind == "http-request-method":
        return asked.method in values
    if kind == "source-ip":
        return any(ipaddress.ip_address(asked.source) in ipaddress.ip_network(v, strict=False) for v in values)
    if kind == "http-header":
        name = str((condition.get("HttpHeaderConfig") or {}).get("HttpHeaderName", "")).lower()
        return any(iam_policy.like(asked.headers.get(name, "").lower(), value.lower()) for value in values)
    return kind == "query-string" and _asks(condition, asked)


def _values(condition: Described) -> list[str]:
    configured = [
        c.get("Values") or [] for key, c in condition.items() if key.endswith("Config") and isinstance(c, dict)
    ]
    found = next((values for values in configured if values), None) or condition.get("Values") or []
    return [str(value) for value in found if not isinstance(value, dict)]


def _asks(condition: Described, asked: HttpRequest) -> bool:
    """Neither keys nor values tell capitals from small letters; both may have wildcards."""
    pairs = parse_qsl(asked.query.lower(), keep_blank_values=True)
    wanted = (condition.get("QueryStringConfig") or {}).get("Values") or []
    return any(
        iam_policy.like(value, str(want.get("Value", "*")).lower())
        and iam_policy.like(key, str(want.get("Key", "*")).lower())
        for want in wanted
        for key, value in pairs
    )


def location(config: Described, asked: HttpRequest, *, protocol: str, port: int) -> str:
    """Where a redirect leads, its placeholders filled.

    Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RedirectActionConfig.html.
    """
    values = {"protocol": protocol.lower(), "host": asked.host, "port": str(port)}
    values |= {"path": asked.path.removeprefix("/"), "query": asked.query}

    def filled(key: str, default: str) -> str:
        text = str(config.get(key) or default)
        for name, value in values.items():
            text = text.replace(f"#{{{name}}}", value)
        return text

    scheme, query = filled("Protocol", "#{protocol}").lower(), filled("Query", "#{query}")
    return f"{scheme}://{filled('Host', '#{host}')}:{filled('Port', '#{port}')}{filled('Path', '/#{path}')}" + (
        f"?{query}" if query else ""
    )
