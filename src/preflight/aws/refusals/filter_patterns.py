"""Filter patterns of CloudWatch Logs: terms, JSON and fields between spaces."""

from __future__ import annotations

import re
from typing import Any

from preflight.aws.constraints import Constraint, Predicate, value

_SYNTAX = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html"
_INVALID = "InvalidParameterException"
_QUOTED = re.compile(r'"(\\.|[^"\\])*"', re.DOTALL)
_EXPRESSION = re.compile(r"%[^%]+%")
_MOST_EXPRESSIONS = 2


def _unquoted(pattern: str) -> str:
    return _QUOTED.sub("x", pattern)


def _is_closed(value: Any) -> bool:
    text = str(value).strip()
    return not any(text.startswith(begin) and not text.endswith(end) for begin, end in ("{}", "[]"))


def _has_plain_terms(value: Any) -> bool:
    """Whether what is not alphanumeric stands in quotes, in a pattern of terms alone."""
    text = str(value).strip()
    return text.startswith(("{", "[")) or not re.search(r"""[:()=,;/'|&<>@#“”]""", _EXPRESSION.sub("x", _unquoted(text)))


def _selects(value: Any) -> bool:
    """Whether a JSON pattern compares properties that begin with $, and by an operator that there is."""
    text = str(value).strip()
    if not text.startswith("{"):
        return True
    inner = _EXPRESSION.sub("x", _unquoted(text)).removeprefix("{").strip()
    return re.match(r"[$(!]", inner) is not None and not re.search(r"==|=>|=<|<>", inner)


_JSON = Predicate(
    _selects,
    ("ERROR", '{ $.a = "==" }', "{ ($.a >= 1) && ($.b != 2) }", "{$.a.b NOT EXISTS}", "{ $.a IS TRUE }", "{$.a = %b|c%}"),
    ("{ a = 1 }", "{ $.a == 1 }", '{ "$.a" = 1 }', "{}", "{ $.a => 1 }"),
)
_CLOSED = Predicate(
    _is_closed,
    ("", "ERROR", "{ $.a = 1 }", "[ip, user, status_code = 4*]", '"{"'),
    ("{ $.a = 1", "[ip, user", '{ $.a = "}"'),
)
_PLAIN = Predicate(
    _has_plain_terms,
    ("ERROR", "?ERROR ?WARN", "ERROR -Exiting", '"error: (1)" fatal', "%AUTHORIZED|DENIED%", "{ $.a = 1 }", "[a, b]"),
    ("ERROR: failed", "(ERROR)", "key=value", "a/b", "“ERROR”"),
)
_FEW_EXPRESSIONS = Predicate(
    lambda actual: len(_EXPRESSION.findall(_unquoted(str(actual)))) <= _MOST_EXPRESSIONS,
    ("%a% %b%", '"100% of" %a% %b%'),
    ("%a% %b% %c%",),
)


def rows(page: str) -> tuple[Constraint, ...]:
    """Returns what is refused of the filter pattern of an operation with a page."""
    quotes = "Put each term that is not only letters, digits and underscores into double quotes."
    return (
        Constraint(
            value("FilterPattern", _CLOSED),
            _INVALID,
            "If a filter pattern starts with '{' it must end with '}', and if with '[' with ']'",
            _SYNTAX,
        ),
        Constraint(
            value("FilterPattern", _JSON),
            _INVALID,
            "Invalid JSON filter pattern {value}: a property begins with $, and the operators are =, !=, <, >, <= and >=",
            _SYNTAX,
            cure='Write it as { $.property = "value" }.',
        ),
        Constraint(
            value("FilterPattern", _PLAIN), _INVALID, "Invalid character(s) in term of pattern {value}", _SYNTAX, cure=quotes
        ),
        Constraint(
            value("FilterPattern", _FEW_EXPRESSIONS),
            _INVALID,
            "A filter pattern can have at most 2 regular expressions",
            page,
        ),
    )
