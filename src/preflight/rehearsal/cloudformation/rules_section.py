"""The section Rules: assertions about the values of parameters.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from preflight.rehearsal.cloudformation.live_references import Template
from preflight.templates.intrinsic_functions import FunctionResolver, Path, ResolutionContext, ResolveError

ELSEWHERE = frozenset({"Fn::RefAll", "Fn::ValueOf", "Fn::ValueOfAll"})  # these read the account


class RuleFunctionResolver(FunctionResolver):
    """Evaluates also the functions that only rules may use."""

    def __init__(self, scope: ResolutionContext) -> None:
        super().__init__(scope)
        self._functions |= {
            "Fn::Contains": self._contains,
            "Fn::EachMemberEquals": self._each_member_equals,
            "Fn::EachMemberIn": self._each_member_in,
        }

    def _contains(self, argument: Any, path: Path) -> bool:
        texts, allowed = self._two(argument, "Fn::Contains", path)
        return allowed in texts

    def _each_member_equals(self, argument: Any, path: Path) -> bool:
        texts, allowed = self._two(argument, "Fn::EachMemberEquals", path)
        return all(text == allowed for text in texts)

    def _each_member_in(self, argument: Any, path: Path) -> bool:
        texts, allowed = self._two(argument, "Fn::EachMemberIn", path)
        return all(text in allowed for text in texts)

    def _two(self, argument: Any, name: str, path: Path) -> tuple[list[Any], Any]:
        if not isinstance(argument, list) or len(argument) != 2:
            msg = f"Template error: every {name} object requires a list of two"
            raise ResolveError(msg, path)
        texts, allowed = (self.value(item, (*path, n)) for n, item in enumerate(argument))
        return texts if isinstance(texts, list) else [texts], allowed


def failed_assertion(template: Template, context: ResolutionContext) -> str | None:
    """Returns the message of the first assertion that does not hold, or None.

    Raises:
        ResolveError: a rule cannot be evaluated.
    """
    resolver = RuleFunctionResolver(context)
    for name, rule in (template.get("Rules") or {}).items():
        path = ("Rules", name)
        if not isinstance(rule, dict) or not isinstance(rule.get("Assertions"), list):
            msg = f"Template format error: Rule {name} must have a list of Assertions"
            raise ResolveError(msg, path)
        if "RuleCondition" in rule and resolver.value(rule["RuleCondition"], path) is not True:
            continue
        for assertion in rule["Assertions"]:
            message = _check_assertion(assertion, resolver, path)
            if message is not None:
                return f"Rule {name} failed: {message}"
    return None


def _check_assertion(assertion: Any, resolver: RuleFunctionResolver, path: Path) -> str | None:
    if not isinstance(assertion, dict) or "Assert" not in assertion:
        msg = f"Template format error: every assertion of rule {path[1]} must have an Assert"
        raise ResolveError(msg, path)
    if resolver.value(assertion["Assert"], path) is True:
        return None
    return str(assertion.get("AssertDescription") or "an assertion does not hold")


def account_functions(value: Any) -> Iterator[str]:
    """Yields the functions in rules that need more of the account than parameter values."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key in ELSEWHERE:
                yield key
            yield from account_functions(item)
    elif isinstance(value, list):
        for item in value:
            yield from account_functions(item)
