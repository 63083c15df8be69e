"""What EFS refuses of the lifecycle policies of file systems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.aws import unresolved
from preflight.aws.constraints import (
    Constraint,
    Fault,
    Object,
    Test,
    count,
    either,
    equal,
    items,
    known,
    one_of,
    present,
    unequal,
    value,
)

_PUT = "https://docs.aws.amazon.com/efs/latest/ug/API_PutLifecycleConfiguration.html"
_POLICY = "https://docs.aws.amazon.com/efs/latest/ug/API_LifecyclePolicy.html"
_DAYS = (1, 7, 14, 30, 60, 90, 180, 270, 365)
_AFTER = tuple(f"AFTER_{days}_DAY{'' if days == 1 else 'S'}" for days in _DAYS)
_VALUES = {"TransitionToIA": _AFTER, "TransitionToArchive": _AFTER, "TransitionToPrimaryStorageClass": ("AFTER_1_ACCESS",)}


def _transitions(system: Object) -> Iterator[tuple[int, str, str]]:
    """Yields each transition that is known: the number of its policy, its name and its value."""
    for number, policy in enumerate(items(system, "LifecyclePolicies")):
        if isinstance(policy, Mapping) and not unresolved.is_function(policy):
            for name in _VALUES:
                if known(policy, name) is not None:
                    yield number, name, str(known(policy, name))


def _policies(*policies: Mapping[str, str]) -> Object:
    return {"LifecyclePolicies": list(policies)}


def _again(system: Object) -> Iterator[Fault]:
    seen = set()
    for number, name, _value in _transitions(system):
        if name in seen:
            yield Fault(("LifecyclePolicies", number, name), name)
        seen.add(name)


def _early_archive(system: Object) -> Iterator[Fault]:
    value = {name: text for _number, name, text in _transitions(system) if text in _AFTER}
    first, last = value.get("TransitionToIA"), value.get("TransitionToArchive")
    if first is not None and last is not None and _AFTER.index(last) <= _AFTER.index(first):
        yield Fault(("LifecyclePolicies",), last)


def _archived(system: Object) -> Iterator[Fault]:
    yield from (
        Fault(("LifecyclePolicies", number, name)) for number, name, _value in _transitions(system) if name == "TransitionToArchive"
    )


_IA, _ARCHIVE = {"TransitionToIA": "AFTER_30_DAYS"}, {"TransitionToArchive": "AFTER_90_DAYS"}
_NOT_ELASTIC = unequal("ThroughputMode", "elastic", default="bursting", example="bursting")
_CANNOT_ARCHIVE = either(_NOT_ELASTIC, equal("PerformanceMode", "maxIO"))

ROWS = (
    *(
        Constraint(
            value(name, one_of(*values)),
            "ValidationException",
            f"Value '{{value}}' at 'lifecyclePolicies' failed to satisfy constraint: Member must satisfy enum value set: [{', '.join(values)}]",
            _POLICY,
            at="LifecyclePolicies[]",
        )
        for name, values in _VALUES.items()
    ),
    Constraint(
        present(0, 1, *_VALUES),
        "BadRequest",
        "Each LifecyclePolicy object can have only a single transition",
        _POLICY,
        at="LifecyclePolicies[]",
        cure="Write one object for each transition.",
    ),
    Constraint(
        count("LifecyclePolicies", 0, 3),
        "ValidationException",
        "Value at 'lifecyclePolicies' failed to satisfy constraint: Member must have length less than or equal to 3",
        _PUT,
    ),
    Constraint(
        Test(_again, (_policies(_IA, _ARCHIVE),), (_policies(_IA, _IA),)),
        "BadRequest",
        "One or more LifecyclePolicy objects specified are malformed: {value} is there more than once",
        _PUT,
    ),
    Constraint(
        Test(_early_archive, (_policies(_IA, _ARCHIVE), _policies(_ARCHIVE)), (_policies({"TransitionToIA": "AFTER_90_DAYS"}, _ARCHIVE),)),
        "BadRequest",
        "TransitionToArchive ({value}) must be later than TransitionToIA",
        _PUT,
    ),
    Constraint(
        Test(_archived, (_policies(_IA),), (_policies(_IA, _ARCHIVE),)),
        "BadRequest",
        "The Archive storage class is available only for file systems that use the elastic throughput mode and the general purpose performance mode",
        _PUT,
        when=_CANNOT_ARCHIVE,
        cure="Set ThroughputMode to elastic, or remove TransitionToArchive.",
    ),
)
