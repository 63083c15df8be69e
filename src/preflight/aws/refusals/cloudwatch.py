"""What CloudWatch refuses of alarms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.aws.constraints import (
    Constraint,
    Fault,
    Object,
    Predicate,
    Test,
    as_number,
    each,
    equal,
    has,
    is_there,
    items,
    known,
    lacks,
    matches,
    needs,
    no,
    one_of,
    present,
    value,
    without,
)
from preflight.aws.refusals import metric_queries

SERVICE = "monitoring"
_API = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference"
_ALARM = f"{_API}/API_PutMetricAlarm.html"
_QUERY = f"{_API}/API_MetricDataQuery.html"
_INVALID = "ValidationError"
_ACTIONS = ("AlarmActions", "OKActions", "InsufficientDataActions")
_MOST = 10  # metrics, and expressions, of an alarm
_HOUR, _DAY, _WEEK = 3_600, 86_400, 604_800
_BANDS = ("LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold")
_OF_ONE_METRIC = ("MetricName", "Namespace", "Dimensions", "Period", "Unit", "Statistic", "ExtendedStatistic")


def _is_period(value: Any, *short: int) -> bool:
    number = as_number(value)
    return number is not None and number > 0 and (number in short or number % 60 == 0)


def _numbers(part: Object, *names: str) -> list[float]:
    """Returns the values of names, none if some are missing or not known."""
    value = [as_number(known(part, name)) for name in names]
    return [number for number in value if number is not None] if None not in value else []


def _too_long(part: Object) -> Iterator[Fault]:
    numbers = _numbers(part, "Period", "EvaluationPeriods")
    if numbers and numbers[0] * numbers[1] > (_DAY if numbers[0] < _HOUR else _WEEK):
        yield Fault(("EvaluationPeriods",), int(numbers[1]))


def _too_many_points(part: Object) -> Iterator[Fault]:
    numbers = _numbers(part, "DatapointsToAlarm", "EvaluationPeriods")
    if numbers and numbers[0] > numbers[1]:
        yield Fault(("DatapointsToAlarm",), int(numbers[0]))


def _evaluated(period: int, periods: int) -> Object:
    return {"Period": period, "EvaluationPeriods": periods}


_RANGE = Test(
    _too_long,
    taken=(_evaluated(60, 1440), _evaluated(3600, 168), _evaluated(10, 8640), {"Period": 60}),
    refused=(_evaluated(60, 1441), _evaluated(3600, 169), _evaluated(86_400, 8)),
)
_POINTS = Test(
    _too_many_points,
    taken=({"DatapointsToAlarm": 2, "EvaluationPeriods": 2}, {"DatapointsToAlarm": 3}),
    refused=({"DatapointsToAlarm": 3, "EvaluationPeriods": "2"},),
)
_PERIOD = Predicate(lambda actual: _is_period(actual, 10, 20, 30), (10, 20, 30, 60, "300", 86_400), (0, 5, 15, 45, 61, "x"))
_QUERY_PERIOD = Predicate(
    lambda actual: _is_period(actual, 1, 5, 10, 20, 30), (1, 5, 10, 20, 30, 60, "300"), (0, 2, 15, 45, 61)
)
_EXTENDED = matches(
    r"(?i)(p|tm|tc|ts|wm)(\d{1,2}(\.\d{1,10})?|100)|iqm|(pr|tc|tm|ts|wm)\([^)]*:[^)]*\)",
    taken=("p90", "p99.9", "tm90", "IQM", "PR(10:20)", "TM(10%:90%)"),
    refused=("90", "p", "p101", "Average", "pr90"),
)
_ARN = matches(
    r"arn:[^:\s]+:[^:\s]+:[^:\s]*:[^\s].*",
    taken=("arn:aws:sns:eu-west-1:123456789012:t", "arn:aws:automate:eu-west-1:ec2:stop"),
    refused=("topic", "arn:aws:sns", "sns:t"),
)
_ALARMS = (
    Constraint(
        present(1, 1, "MetricName", "Metrics", "EvaluationCriteria"),
        _INVALID,
        "Exactly one of MetricName, Metrics and EvaluationCriteria must be specified",
        _ALARM,
    ),
    Constraint(
        lacks(*_OF_ONE_METRIC),
        _INVALID,
        f"{', '.join(_OF_ONE_METRIC)} must not be set together with Metrics",
        _ALARM,
        when=has("Metrics"),
    ),
    Constraint(
        present(1, 1, "Statistic", "ExtendedStatistic"),
        _INVALID,
        "Exactly one of Statistic and ExtendedStatistic must be specified with MetricName",
        _ALARM,
        when=has("MetricName"),
    ),
    Constraint(
        needs("Namespace", "Period"),
        _INVALID,
        "Namespace and Period must be specified with MetricName",
        _ALARM,
        when=has("MetricName"),
    ),
    Constraint(
        value("Period", _PERIOD), _INVALID, "Period must be 10, 20, 30 or a multiple of 60: {value}", _ALARM
    ),
    Constraint(value("ExtendedStatistic", _EXTENDED), _INVALID, "The value {value} for ExtendedStatistic is not valid", _ALARM),
    Constraint(
        needs("EvaluationPeriods"),
        _INVALID,
        "EvaluationPeriods must be specified",
        _ALARM,
        when=without("EvaluationCriteria"),
    ),
    Constraint(_POINTS, _INVALID, "DatapointsToAlarm must be less than or equal to EvaluationPeriods", _ALARM),
    Constraint(
        _RANGE,
        _INVALID,
        "Metrics cannot be checked across more than a day, or a week with periods of an hour and longer (EvaluationPeriods * Period)",
        _ALARM,
    ),
    Constraint(
        present(1, 1, "Threshold", "ThresholdMetricId"),
        _INVALID,
        "Exactly one of Threshold and ThresholdMetricId must be specified",
        _ALARM,
        when=without("EvaluationCriteria"),
    ),
    Constraint(
        needs("ThresholdMetricId"),
        _INVALID,
        "The comparison operator is for anomaly detection alone, which needs ThresholdMetricId",
        _ALARM,
        when=equal("ComparisonOperator", *_BANDS),
    ),
    Constraint(
        value("TreatMissingData", one_of("breaching", "notBreaching", "ignore", "missing")),
        _INVALID,
        "The value {value} for TreatMissingData must be one of breaching, notBreaching, ignore and missing",
        _ALARM,
    ),
    Constraint(
        value("EvaluateLowSampleCountPercentile", one_of("evaluate", "ignore")),
        _INVALID,
        "The value {value} for EvaluateLowSampleCountPercentile must be one of evaluate and ignore",
        _ALARM,
    ),
    *(
        Constraint(each(name, _ARN), _INVALID, "Invalid arn syntax: {value}", _ALARM)
        for name in _ACTIONS
    ),
    *metric_queries.rows(_INVALID, _QUERY),
    Constraint(
        value("Period", _QUERY_PERIOD),
        _INVALID,
        "Period must be 1, 5, 10, 20, 30 or a multiple of 60: {value}",
        _QUERY,
        "Metrics[].MetricStat",
    ),
)
def _of_no_metric(part: Object) -> Iterator[Fault]:
    """The threshold of a band is one of the metrics, whose ids are all known."""
    band, queries = known(part, "ThresholdMetricId"), items(part, "Metrics")
    ids = [known(query, "Id") if isinstance(query, Mapping) else None for query in queries]
    if band is not None and queries and None not in ids and band not in ids:
        yield Fault(("ThresholdMetricId",), band)


def _too_many(kind: str) -> Test:
    def faults(part: Object) -> Iterator[Fault]:
        number = sum(is_there(query, kind) for query in items(part, "Metrics") if isinstance(query, Mapping))
        if number > _MOST:
            yield Fault(("Metrics",), number)

    queries = [{"Id": f"m{number}", kind: "x"} for number in range(_MOST + 1)]
    return Test(faults, ({"Metrics": queries[:-1]},), ({"Metrics": queries},))


_BAND = Test(
    _of_no_metric,
    taken=({"ThresholdMetricId": "b", "Metrics": [{"Id": "a"}, {"Id": "b"}]}, {"ThresholdMetricId": "b"}),
    refused=({"ThresholdMetricId": "c", "Metrics": [{"Id": "a"}, {"Id": "b"}]},),
)
_SCALING = "arn:aws:autoscaling:eu-west-1:123456789012:scalingPolicy:a:b"
_COMBINATIONS = (
    Constraint(
        lacks("EvaluateLowSampleCountPercentile", shows="Statistic"),
        _INVALID,
        "Option evaluateLowSampleCountPercentile can not be applied with statistic {value}.",
        _ALARM,
        when=has("Statistic"),
        cure="Remove EvaluateLowSampleCountPercentile: it is for percentiles, which are an ExtendedStatistic.",
    ),
    Constraint(
        value("Expression", matches(r"(?is)(?!.*\bSEARCH\s*\().*", taken=("m1 + m2",), refused=("SEARCH('{AWS/ECS}', 'Sum')", "MAX(search(''))"))),
        _INVALID,
        "SEARCH is not supported on Metric Alarms.",
        _ALARM,
        "Metrics[]",
    ),
    *(
        Constraint(_too_many(kind), _INVALID, f"Too many {name} in alarm, maximum is {_MOST}", _ALARM)
        for kind, name in (("MetricStat", "metrics"), ("Expression", "expressions"))
    ),
    Constraint(_BAND, _INVALID, "Metrics list must contain exactly one metric matching the ThresholdMetricId parameter", _ALARM),
    Constraint(
        value("Namespace", Predicate(lambda name: str(name).isascii(), ("AWS/ECS",), ("Wörter",))),
        _INVALID,
        "Namespace must not contain Non-ASCII characters.",
        _ALARM,
    ),
    *(
        Constraint(
            each(name, no(matches(r"arn:[^:]+:autoscaling:.+", taken=(_SCALING,), refused=("arn:aws:sns:eu-west-1:123456789012:t",)))),
            _INVALID,
            "autoscaling actions not supported when ThresholdMetricId is set",
            _ALARM,
            when=has("ThresholdMetricId"),
        )
        for name in _ACTIONS
    ),
)
TYPES: Mapping[str, tuple[Constraint, ...]] = {"AWS::CloudWatch::Alarm": (*_ALARMS, *_COMBINATIONS)}
OPERATIONS: Mapping[str, str] = {"PutMetricAlarm": "AWS::CloudWatch::Alarm"}
