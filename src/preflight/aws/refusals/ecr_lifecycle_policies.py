"""What ECR refuses of lifecycle policies.

Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from preflight.aws.constraints import Constraint, Fault
from preflight.aws.refusals import json_documents
from preflight.aws.refusals.ecr_lifecycle_rules import (
    FAILURE,
    GUIDE,
    PAGE,
    RULES,
    TAGGED,
    TRANSITION,
    LifecycleRule,
    document_of,
    is_about,
    is_number,
    part,
    rule_of,
    rules,
)
from preflight.aws.refusals.json_documents import Document, DocumentRule

_EVALUATION = f"{GUIDE}/LifecyclePolicies.html"
_MAX_RULES = 50


def _duplicates(document: Document, key: Callable[[LifecycleRule], Any]) -> Iterator[Fault]:
    keys = [value for value in map(key, rules(document)) if value is not None]
    yield from (Fault((), value) for number, value in enumerate(keys) if value in keys[:number])


def _selects(rule: LifecycleRule) -> tuple[Any, ...]:
    """Returns where and for what a rule selects images."""
    return part(rule, "selection").get("storageClass", "standard"), part(rule, "action").get("type")


def _chosen(rule: LifecycleRule) -> Any:
    """Returns the images that no other rule may choose too: those without a tag, all, or those of a list of prefixes."""
    status, prefixes = part(rule, "selection").get("tagStatus"), part(rule, "selection").get("tagPrefixList")
    if status in ("untagged", "any"):
        return (*_selects(rule), status)
    return (*_selects(rule), sorted(map(str, prefixes))) if isinstance(prefixes, list) and prefixes else None


def _not_last(document: Document) -> Iterator[Fault]:
    numbered = [rule for rule in rules(document) if is_number(rule.get("rulePriority"))]
    for rule in numbered:
        later = [r for r in numbered if r["rulePriority"] > rule["rulePriority"] and _selects(r) == _selects(rule)]
        if is_about(rule, "any") and any(not is_about(r, "any") for r in later):
            yield Fault((), rule["rulePriority"])


def _shape(document: Document) -> Iterator[Fault]:
    value = document.get("rules")
    if not isinstance(value, list) or not value or set(document) != {"rules"} or len(rules(document)) != len(value):
        yield Fault((), "rules")


_POLICY_RULES = (
    DocumentRule(
        _shape,
        FAILURE.format("Could not map policyString into LifecyclePolicy."),
        PAGE,
        right=(document_of(rule_of()),),
        wrong=({}, document_of(), {"rules": {}}, {"rules": ["x"]}, {**document_of(rule_of()), "x": 1}),
    ),
    *RULES,
    DocumentRule(
        lambda document: _duplicates(document, lambda rule: rule.get("rulePriority")),
        FAILURE.format("Duplicate priority in multiple rules"),
        PAGE,
        right=(document_of(rule_of(1), {**TAGGED, "rulePriority": 2}),),
        wrong=(document_of(rule_of(1), {**TAGGED, "rulePriority": 1}),),
    ),
    DocumentRule(
        _not_last,
        FAILURE.format("A rule with tagStatus any must have the highest rulePriority and be evaluated last"),
        PAGE,
        right=(
            document_of(rule_of(1), rule_of(2, tagStatus="any")),
            document_of(rule_of(1, tagStatus="any", action=TRANSITION), rule_of(2, tagStatus="any", storageClass="archive")),
        ),
        wrong=(document_of(rule_of(1, tagStatus="any"), rule_of(2)), document_of(rule_of(9), rule_of(5, tagStatus="any"))),
    ),
    DocumentRule(
        lambda document: _duplicates(document, _chosen),
        FAILURE.format("Only one rule may select untagged images, all images, or one set of tag prefixes"),
        _EVALUATION,
        right=(
            document_of(rule_of(1), rule_of(2, tagStatus="any")),
            document_of(rule_of(1, tagStatus="tagged", tagPrefixList=["a"]), rule_of(2, tagStatus="tagged", tagPrefixList=["b"])),
        ),
        wrong=(
            document_of(rule_of(1), rule_of(2)),
            document_of(rule_of(1, tagStatus="tagged", tagPrefixList=["a"]), rule_of(2, tagStatus="tagged", tagPrefixList=["a"])),
        ),
    ),
    DocumentRule(
        lambda document: iter([Fault(())] if len(rules(document)) > _MAX_RULES else []),
        FAILURE.format(f"A policy has {_MAX_RULES} rules at most"),
        f"{GUIDE}/service-quotas.html",
        right=(document_of(*({**TAGGED, "rulePriority": n + 1} for n in range(_MAX_RULES))),),
        wrong=(document_of(*({**TAGGED, "rulePriority": n + 1} for n in range(_MAX_RULES + 1))),),
    ),
)


def rows(name: str, at: str = "") -> tuple[Constraint, ...]:
    """Returns the rows of a property that holds the text of a lifecycle policy."""
    code, sentence = "InvalidParameterException", FAILURE.format("Could not map policyString into LifecyclePolicy.")
    return (
        Constraint(json_documents.text_of_json(name), code, sentence, PAGE, at=at),
        *json_documents.rows(_POLICY_RULES, name, code=code, at=at),
    )
