"""What ECR refuses of the rules of lifecycle policies.

Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from preflight.aws import spelling
from preflight.aws.constraints import Fault
from preflight.aws.refusals.json_documents import Document, DocumentRule

GUIDE = "https://docs.aws.amazon.com/AmazonECR/latest/userguide"
PAGE = f"{GUIDE}/lifecycle_policy_parameters.html"
FAILURE = "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: {}'"
_MAX_WILDCARDS = 4
_MIN_DAYS_IN_ARCHIVE = 90
_NEEDED = ("rulePriority", "selection", "action")
_SELECTION = ("tagStatus", "countType", "countNumber")
_LISTS = ("tagPatternList", "tagPrefixList")
_COUNT = "imageCountMoreThan"
_SINCE = ("sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned")
_KEYS = {
    (): {*_NEEDED, "description"},
    ("selection",): {*_SELECTION, *_LISTS, "countUnit", "storageClass"},
    ("action",): {"type", "targetStorageClass"},
}

LifecycleRule = Mapping[str, Any]
Faults = Callable[[LifecycleRule], Iterator[Fault]]


def part(rule: LifecycleRule, name: str) -> LifecycleRule:
    """Returns the selection or the action of a rule."""
    value = rule.get(name)
    return value if isinstance(value, Mapping) else {}


def rules(document: Document) -> list[LifecycleRule]:
    """Returns the rules of a policy."""
    value = document.get("rules")
    return [rule for rule in value if isinstance(rule, Mapping)] if isinstance(value, list) else []


def document_of(*rules: LifecycleRule) -> Document:
    """Returns a policy with these rules."""
    return {"rules": list(rules)}


def rule_of(priority: Any = 1, action: LifecycleRule | None = None, **selection: Any) -> dict[str, Any]:
    """Returns a right rule, with these members of its selection; None leaves one out."""
    chosen = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14, **selection}
    kept = {name: value for name, value in chosen.items() if value is not None}
    return {"rulePriority": priority, "selection": kept, "action": action or {"type": "expire"}}


def _of_rules(
    faults: Faults, message: str, *, right: tuple[LifecycleRule, ...], wrong: tuple[LifecycleRule, ...], is_certain: bool = True
) -> DocumentRule:
    """Returns what no rule of a policy may have, or should not; the examples are rules."""

    def in_document(document: Document) -> Iterator[Fault]:
        for rule in rules(document):
            yield from faults(rule)

    documents = tuple(map(document_of, right)), tuple(map(document_of, wrong))
    return DocumentRule(in_document, FAILURE.format(message) if is_certain else message, PAGE, *documents, is_certain=is_certain)


def _keys(is_wrong: Callable[[str, Collection[str]], bool]) -> Faults:
    """Faults of the properties that are wrong beside those that a part of a rule has."""

    def faults(rule: LifecycleRule) -> Iterator[Fault]:
        for path, names in _KEYS.items():
            value = part(rule, path[0]) if path else rule
            yield from (Fault((), f'"{name}"') for name in value if is_wrong(str(name), names))

    return faults


def _is_new(name: str, names: Collection[str]) -> bool:
    return name not in names and not spelling.is_near(name, names)


def _missing(rule: LifecycleRule) -> Iterator[Fault]:
    parts = ((rule, _NEEDED), (part(rule, "selection"), _SELECTION), (part(rule, "action"), ("type",)))
    yield from (Fault((), f'"{name}"') for part, names in parts for name in names if name not in part)


def is_number(value: Any) -> bool:
    """Whether a value is an integer."""
    return isinstance(value, int) and not isinstance(value, bool)


def _numbers(rule: LifecycleRule) -> Iterator[Fault]:
    value = (rule.get("rulePriority"), part(rule, "selection").get("countNumber"))
    yield from (Fault((), number) for number in value if number is not None and not (is_number(number) and number >= 1))


def _enumerations(rule: LifecycleRule) -> Iterator[Fault]:
    selection, action = part(rule, "selection"), part(rule, "action")
    allowed = (
        (selection.get("tagStatus"), ("tagged", "untagged", "any")),
        (selection.get("countUnit"), ("days",)),
        (selection.get("storageClass"), ("standard", "archive")),
        (action.get("type"), ("expire", "transition")),
    )
    yield from (Fault((), value) for value, values in allowed if value is not None and value not in values)


def _counts(rule: LifecycleRule) -> Iterator[Fault]:
    selection = part(rule, "selection")
    kind, unit = selection.get("countType"), "countUnit" in selection
    is_new = re.fullmatch(r"since[A-Z]\w+", str(kind)) is not None and not spelling.is_near(str(kind), _SINCE)
    if kind is not None and not (((kind in _SINCE or is_new) and unit) or (kind == _COUNT and not unit)):
        yield Fault((), kind)


def _new_counts(rule: LifecycleRule) -> Iterator[Fault]:
    """Faults of a count type that only begins as the known ones do."""
    kind = str(part(rule, "selection").get("countType"))
    if kind.startswith("since") and _is_new(kind, _SINCE):
        yield Fault((), kind)


def _actions(rule: LifecycleRule) -> Iterator[Fault]:
    action = part(rule, "action")
    storage_class = {"transition": "archive", "expire": None}.get(str(action.get("type")), action.get("targetStorageClass"))
    if action.get("targetStorageClass") != storage_class or ("targetStorageClass" in action and storage_class is None):
        yield Fault((), action.get("type"))


def _archived(rule: LifecycleRule) -> Iterator[Fault]:
    selection = part(rule, "selection")
    number = selection.get("countNumber")
    is_short = isinstance(number, int) and number < _MIN_DAYS_IN_ARCHIVE
    if selection.get("countType") != "sinceImageTransitioned" and selection.get("storageClass") == "archive":
        yield Fault((), number)
    if selection.get("countType") == "sinceImageTransitioned" and (selection.get("storageClass") != "archive" or is_short):
        yield Fault((), number)


def _lists(rule: LifecycleRule) -> list[str]:
    return [name for name in _LISTS if part(rule, "selection").get(name)]


def is_about(rule: LifecycleRule, *statuses: str) -> bool:
    """Whether the tag status of a rule is one of these."""
    return part(rule, "selection").get("tagStatus") in statuses


def _wildcards(rule: LifecycleRule) -> Iterator[Fault]:
    patterns = part(rule, "selection").get("tagPatternList")
    for pattern in patterns if isinstance(patterns, list) else []:
        if str(pattern).count("*") > _MAX_WILDCARDS:
            yield Fault((), pattern)


def _when(test: Callable[[LifecycleRule], bool]) -> Faults:
    return lambda rule: iter([Fault(())] if test(rule) else [])


TRANSITION = {"type": "transition", "targetStorageClass": "archive"}
TAGGED = rule_of(tagStatus="tagged", tagPatternList=["v*"])
RULES = (
    _of_rules(_missing, "object has missing required properties ([{value}])", right=(rule_of(),), wrong=({}, rule_of(countNumber=None))),
    _of_rules(
        _keys(spelling.is_near),
        "object instance has properties which are not allowed by the schema: [{value}]",
        right=({**rule_of(), "description": "x"}, rule_of(tags=[])),
        wrong=({**rule_of(), "Description": "x"}, rule_of(tagPatterList=[])),
    ),
    _of_rules(
        _keys(_is_new),
        "The lifecycle policy has properties that are not on the page: {value}",
        right=({**rule_of(), "description": "x"}, {**rule_of(), "Description": "x"}),
        wrong=(rule_of(tags=[]),),
        is_certain=False,
    ),
    _of_rules(
        _new_counts,
        "The count type {value} is not on the page",
        right=(rule_of(countType="sinceImagePulled"), rule_of(countType=_COUNT, countUnit=None)),
        wrong=(rule_of(countType="sinceCreated"),),
        is_certain=False,
    ),
    _of_rules(
        _enumerations,
        "Could not map policyString into LifecyclePolicy: instance value ({value}) not found in enum",
        right=(rule_of(), TAGGED, rule_of(action=TRANSITION, tagStatus="any")),
        wrong=(rule_of(tagStatus="all"), rule_of(action={"type": "delete"}), rule_of(countUnit="weeks")),
    ),
    _of_rules(
        _numbers,
        "numeric instance is lower than the required minimum (minimum: 1, found: {value})",
        right=(rule_of(1, countNumber=1),),
        wrong=(rule_of(0), rule_of(countNumber=0), rule_of(countNumber="14"), rule_of(countNumber=1.5)),
    ),
    _of_rules(
        _counts,
        "instance failed to match exactly one schema (matched 0 out of 2): {value}",
        right=(rule_of(), rule_of(countType=_COUNT, countUnit=None), rule_of(countType="sinceImagePulled"), rule_of(countType="sinceCreated")),
        wrong=(rule_of(countUnit=None), rule_of(countType=_COUNT), rule_of(countType="sinceImagesPushed"), rule_of(countType="imageAge")),
    ),
    _of_rules(
        _actions,
        "instance failed to match exactly one schema (matched 0 out of 2): {value}",
        right=(rule_of(), rule_of(action=TRANSITION)),
        wrong=(rule_of(action={"type": "transition"}), rule_of(action={**TRANSITION, "type": "expire"})),
    ),
    _of_rules(
        _archived,
        "sinceImageTransitioned and the storageClass archive go together, with a countNumber of at least 90",
        right=(rule_of(countType="sinceImageTransitioned", storageClass="archive", countNumber=90),),
        wrong=(
            rule_of(countType="sinceImageTransitioned", countNumber=90),
            rule_of(countType="sinceImageTransitioned", storageClass="archive", countNumber=89),
            rule_of(countType="sinceImagePushed", storageClass="archive", countNumber=90),
        ),
    ),
    _of_rules(
        _when(lambda rule: is_about(rule, "tagged") and not _lists(rule)),
        "Must specify tagPrefixList or tagPatternList",
        right=(TAGGED, rule_of()),
        wrong=(rule_of(tagStatus="tagged"), rule_of(tagStatus="tagged", tagPrefixList=[])),
    ),
    _of_rules(
        _when(lambda rule: len(_lists(rule)) > 1),
        "Must specify either tagPrefixList or tagPatternList, not both",
        right=(TAGGED,),
        wrong=(rule_of(tagStatus="tagged", tagPatternList=["v*"], tagPrefixList=["v"]),),
    ),
    _of_rules(
        _when(lambda rule: is_about(rule, "untagged", "any") and bool(_lists(rule))),
        "tagPrefixList and tagPatternList may only be used if tagStatus is tagged",
        right=(rule_of(), TAGGED),
        wrong=(rule_of(tagPrefixList=["v"]), rule_of(tagStatus="any", tagPatternList=["v"])),
    ),
    _of_rules(
        _wildcards,
        "A pattern may have four wildcards (*) at most: {value}",
        right=(rule_of(tagStatus="tagged", tagPatternList=["*a*b*c*"]),),
        wrong=(rule_of(tagStatus="tagged", tagPatternList=["a", "*a*b*c*d*"]),),
    ),
)
