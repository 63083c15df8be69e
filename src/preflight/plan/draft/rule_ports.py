"""Ports of security group rules: a guess must not make two rules of a list the same, which EC2 refuses. Pure.

Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
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
        for rule in rules:
            name = references.referenced(rule.get("FromPort"))
            if name in chosen and _is_repeated(rules, rule, chosen):
                _choose_another(rules, rule, name, chosen)
    return chosen


def _choose_another(rules: list[dict[str, Any]], rule: dict[str, Any], name: str, chosen: dict[str, DraftValue]) -> None:
    """Set the port of a rule to the first that makes it differ from the others, if there is one."""
    for port in PORTS:
        trial = {**chosen, name: replace(chosen[name], text=port)}
        if not _is_repeated(rules, rule, trial):
            chosen.update(trial)
            return


def _lists(document: ResolvedTemplate) -> Iterator[list[dict[str, Any]]]:
    for _, group in document.of_type("AWS::EC2::SecurityGroup"):
        for rules in map(group.get, _LISTS):
            yield [rule for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []


def _is_repeated(rules: list[dict[str, Any]], rule: dict[str, Any], values: Mapping[str, DraftValue]) -> bool:
    return [_permission(other, values) for other in rules].count(_permission(rule, values)) > 1


def _permission(rule: dict[str, Any], values: Mapping[str, DraftValue]) -> str:
    """Returns a rule without its description, as one text, with values for its parameters."""
    return json.dumps({key: _text(value, values) for key, value in rule.items() if key != "Description"}, sort_keys=True, default=str)


def _text(value: Any, values: Mapping[str, DraftValue]) -> Any:
    name = references.referenced(value)
    if name is not None and name in values:
        return values[name].text
    return intrinsic_functions.as_text(value) if isinstance(value, str | int) else value
