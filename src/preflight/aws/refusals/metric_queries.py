"""Queries of metrics and math on them, as alarms and scaling policies have them: one of the results is used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.aws import unresolved
from preflight.aws.constraints import Constraint, Fault, Object, Test, get, items, matches, present, unique, value


def _returned(part: Object) -> Iterator[Fault]:
    queries = items(part, "Metrics")
    flags = [
        get(query, "ReturnData") if isinstance(query, Mapping) and not unresolved.is_function(query) else query
        for query in queries
    ]
    if queries and not unresolved.contains_function(flags):
        returning = sum(str(flag).lower() != "false" for flag in flags)
        if returning != 1:
            yield Fault(("Metrics",), returning)


_ONE_RESULT = Test(
    _returned,
    taken=({"Metrics": [{"Id": "a"}]}, {"Metrics": [{"Id": "a", "ReturnData": False}, {"Id": "b", "ReturnData": True}]}),
    refused=({"Metrics": [{"Id": "a"}, {"Id": "b"}]}, {"Metrics": [{"Id": "a", "ReturnData": "false"}]}),
)


def rows(code: str, page: str, at: str = "") -> tuple[Constraint, ...]:
    """Returns what is refused of the list Metrics of the objects at a path."""
    each = f"{at}.Metrics[]".lstrip(".")
    return (
        Constraint(
            _ONE_RESULT,
            code,
            "Exactly one element of the metrics list should return data",
            page,
            at,
            cure="Set ReturnData to false for all metrics but the final expression.",
        ),
        Constraint(unique("Metrics", "Id"), code, "The metric id {value} must be unique", page, at),
        Constraint(
            value("Id", matches(r"[a-z][A-Za-z0-9_]*", taken=("m1", "mE_2"), refused=("M1", "1m", "m-1"))),
            code,
            "The metric id {value} must begin with a lowercase letter and have only letters, numbers and underscores",
            page,
            each,
        ),
        Constraint(
            present(1, 1, "Expression", "MetricStat"),
            code,
            "Exactly one of Expression and MetricStat must be specified in each metric",
            page,
            each,
        ),
    )
