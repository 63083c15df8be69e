"""Ports of security group rules: a guess must not make two rules of a list the same, which EC2 refuses. Pure.

Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html
"""

from __future__ import annotations

import json
from collections import ChainMap, Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from preflight.plan.draft.parameter_values import DraftValue
from preflight.plan.resolved_stacks import ResolvedTemplate
from preflight.templates import intrinsic_functions, references

_LISTS = ("SecurityGroupIngress", "SecurityGroupEgress")
PORTS = ("8080", "8081", "8082", "8083", "3000", "5000", "9000", "9090")


def with_distinct(document: ResolvedTemplate, values: Mapping[str, DraftValue]) -> dict[str, DraftValue]:
    """Returns values of parameters of which no two make rules of one security group the same permission."""
    chosen = dict(values)
    for rules in _lists(document):
        others = Counter(_permission(rule, chosen) for rule in rules)
        for name, users in _users(rules).items():
            if name in chosen:
                others.subtract(_permission(user, chosen) for user in users)
                chosen[name] = _most_distinct(name, users, chosen, others)
                others.update(_permission(user, chosen) for user in users)
    return chosen


def _users(rules: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Returns the rules that refer to each parameter that is the port of one."""
    users: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for rule in rules:
        for name in {references.referenced(value) for value in rule.values()}:
            users[str(name)].append(rule)
    ports = [references.referenced(rule.get("FromPort")) for rule in rules]
    return {name: users[name] for name in dict.fromkeys(ports) if name is not None}


def _most_distinct(name: str, users: Iterable[dict[str, Any]], chosen: dict[str, DraftValue], others: Mapping[str, int]) -> DraftValue:
    """Returns the first value of a port with which the fewest of its rules are repeated; the chosen one comes first."""

    def repeated(value: DraftValue) -> int:
        permissions = Counter(_permission(user, ChainMap({name: value}, chosen)) for user in users)
        return sum(number for permission, number in permissions.items() if number + others.get(permission, 0) > 1)

    return min((chosen[name], *(replace(chosen[name], text=port) for port in PORTS)), key=repeated)


def _lists(document: ResolvedTemplate) -> Iterator[list[dict[str, Any]]]:
    for _, group in document.of_type("AWS::EC2::SecurityGroup"):
        for rules in map(group.get, _LISTS):
            yield [rule for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []


def _permission(rule: dict[str, Any], values: Mapping[str, DraftValue]) -> str:
    """Returns a rule without its description, as one text, with values for its parameters."""
    return json.dumps({key: _text(value, values) for key, value in rule.items() if key != "Description"}, sort_keys=True, default=str)


def _text(value: Any, values: Mapping[str, DraftValue]) -> Any:
    name = references.referenced(value)
    if name is not None and name in values:
        return values[name].text
    return intrinsic_functions.as_text(value) if isinstance(value, str | int) else value
