"""What Elastic Load Balancing refuses of the conditions of a listener rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import regex

from preflight.aws import constraints, unresolved
from preflight.aws.constraints import (
    Condition,
    Constraint,
    Fault,
    Object,
    Test,
    count,
    equal,
    lacks,
    needs,
    one_of,
    present,
    unequal,
    value,
)
from preflight.aws.refusals import listener_condition_values
from preflight.aws.refusals.listener_condition_values import CONFIGS

_API = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference"
_PAGE, _CONDITION = f"{_API}/API_CreateRule.html", f"{_API}/API_RuleCondition.html"
_LIMITS = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html"
_SHORT = ("host-header", "path-pattern")
_BY_REGEX = ("http-header", *_SHORT)
_SINGLE = (*_SHORT, "http-request-method", "source-ip")
_MOST = 5
_WILDCARD = regex.compile(r"(?<!\\)[*?]")


def _values(part: Object) -> list[str] | None:
    """Returns all values of the conditions; None if they are not known."""
    value: list[str] = []
    for condition in constraints.items(part, "Conditions"):
        if not isinstance(condition, Mapping) or unresolved.contains_function(condition):
            return None
        lists = [condition, *(constraints.get(condition, name) for name in CONFIGS.values())]
        for holder in (holder for holder in lists if isinstance(holder, Mapping)):
            values = (*constraints.items(holder, "Values"), *constraints.items(holder, "RegexValues"))
            value += [str(constraints.get(item, "Value") if isinstance(item, Mapping) else item) for item in values]
    return value


def _rule(*values: str) -> Object:
    return {"Conditions": [{"Field": "path-pattern", "PathPatternConfig": {"Values": list(values)}}]}


def _few_values(part: Object) -> Iterator[Fault]:
    """A rule has five values at most."""
    if len(_values(part) or ()) > _MOST:
        yield Fault(("Conditions",), len(_values(part) or ()))


def _few_wildcards(part: Object) -> Iterator[Fault]:
    """The values of a rule have five wildcards at most; regular expressions are not looked at."""
    if "RegexValues" in str(part) or "regexValues" in str(part):
        return
    number = sum(len(_WILDCARD.findall(text)) for text in _values(part) or ())
    if number > _MOST:
        yield Fault(("Conditions",), number)


def _fields_once(part: Object) -> Iterator[Fault]:
    """A host, a path, a method and a source are each looked at by one condition."""
    seen: list[Any] = []
    for n, condition in enumerate(constraints.items(part, "Conditions")):
        field = constraints.known(condition, "Field") if isinstance(condition, Mapping) else None
        if field in _SINGLE and field in seen:
            yield Fault(("Conditions", n, "Field"), field)
        seen.append(field)


def _configs() -> Iterator[Constraint]:
    """A condition has the configuration of its field, and no other."""
    for field, config in CONFIGS.items():
        sentence = f"The '{config}' field is not compatible with '{{value}}'"
        yield _condition(lacks(config, shows="Field"), sentence, unequal("Field", field), cure=f"Remove {config}.")
        if field not in _SHORT:
            yield _condition(needs(config), f"A '{config}' must be specified with '{field}'", equal("Field", field))
    for field in _SHORT:
        is_field, config = equal("Field", field), CONFIGS[field]
        needed = present(1, 3, "Values", config, "RegexValues")
        yield _condition(needed, "A condition value must be specified", is_field)
        # The page speaks of a single value in Values; stacks of CDK and others have several there, and are created.
        yield _condition(count("Values", 1, 5), "A rule can only have '5' condition values", is_field)
        sentence = f"You cannot provide both Values and '{config}' for a condition of type '{field}'"
        yield _condition(present(0, 1, "Values", config), sentence, is_field, cure="Remove Values.")


def _regexes() -> Iterator[Constraint]:
    """A host, a path and a header are matched by values or by regular expressions, and nothing else by the latter."""
    yield _condition(
        lacks("RegexValues", shows="Field"),
        "'RegexValues' is not supported for a condition of type '{value}'",
        unequal("Field", *_BY_REGEX),
    )
    for field in _BY_REGEX:
        sentence = f"You must provide exactly one of 'Values' and 'RegexValues' for a condition of type '{field}'"
        yield _condition(present(0, 1, "Values", "RegexValues"), sentence, equal("Field", field))
        yield Constraint(
            present(1, 1, "Values", "RegexValues"),
            "ValidationError",
            sentence,
            _CONDITION,
            at=f"Conditions[].{CONFIGS[field]}",
        )


def _condition(test: Test, sentence: str, when: Condition, *, cure: str = "") -> Constraint:
    return Constraint(test, "ValidationError", sentence, _CONDITION, at="Conditions[]", when=when, cure=cure)


ROWS: tuple[Constraint, ...] = (
    Constraint(count("Conditions", 1, 100), "ValidationError", "A condition must be specified", _PAGE),
    Constraint(needs("Field"), "ValidationError", "A condition field must be specified", _CONDITION, at="Conditions[]"),
    Constraint(
        value("Field", one_of(*CONFIGS)),
        "ValidationError",
        f"Condition field '{{value}}' must be one of '[{','.join(CONFIGS)}]'",
        _CONDITION,
        at="Conditions[]",
    ),
    Constraint(
        lacks("Values", shows="Field"),
        "ValidationError",
        "The 'Values' field is not compatible with '{value}'",
        _CONDITION,
        at="Conditions[]",
        when=unequal("Field", *_SHORT, example="http-header"),
    ),
    Constraint(
        Test(
            _fields_once,
            ({"Conditions": [{"Field": "http-header"}, {"Field": "http-header"}, {"Field": "path-pattern"}]},),
            ({"Conditions": [{"Field": "path-pattern"}, {"Field": "path-pattern"}]},),
        ),
        "ValidationError",
        "A rule can only have one '{value}' condition",
        _CONDITION,
        cure="Name all values in one condition.",
    ),
    *_configs(),
    *_regexes(),
    *(
        Constraint(
            count("Values", 1, 100),
            "ValidationError",
            "A condition value must be specified",
            _CONDITION,
            at=f"Conditions[].{config}",
        )
        for config in CONFIGS.values()
    ),
    Constraint(
        Test(_few_values, (_rule("/0", "/1", "/2", "/3", "/4"),), (_rule("/0", "/1", "/2", "/3", "/4", "/5"),)),
        "ValidationError",
        "A rule can only have '5' condition values",
        _LIMITS,
    ),
    Constraint(
        Test(_few_wildcards, (_rule("/*/*/*/*/*"),), (_rule("/*/*/*/*/*/*"), _rule("/*/*/*", "/*/*/?"))),
        "ValidationError",
        "A rule can only have '5' condition wildcards",
        _LIMITS,
    ),
    *listener_condition_values.ROWS,
)
