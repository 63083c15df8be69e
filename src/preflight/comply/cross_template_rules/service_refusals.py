"""What a service refuses of the properties of its resources, said before anything is created.

The tables in `preflight.aws.refusals` name AWS's page for each row; the rehearsal asks the same tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from preflight.aws.constraints import Refused
from preflight.aws.refusals import catalog
from preflight.comply.cross_template_rules import referenced_refusals, violation
from preflight.comply.cross_template_rules.violation import Violation
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate
from preflight.templates import undecided_conditions
from preflight.templates.intrinsic_functions import Path
from preflight.templates.undecided_conditions import Case

_Key = tuple[str, Path]  # what a row says, and the path that it refuses


def check(stacks: ResolvedStacks) -> Iterator[Violation]:
    """The properties, as far as they are known, that the service of their resource refuses."""
    for document in stacks.documents:
        for logical, resource in document.resources.items():
            properties = resource.get("Properties")
            if isinstance(properties, dict):
                kind = str(resource.get("Type"))
                always = list(catalog.of_resource(kind, properties))
                yield from (_violation(document, logical, kind, refused) for refused in always)
                yield from _of_branches(document, logical, kind, {_key(refused) for refused in always})
    yield from referenced_refusals.check(stacks)


def _of_branches(document: ResolvedTemplate, logical: str, kind: str, known: set[_Key]) -> Iterator[Violation]:
    """What is refused whenever a condition holds, or does not hold, that is not decided yet."""
    resource = document.resources[logical]
    own = str(resource["Condition"]) if "Condition" in resource else None
    names = undecided_conditions.names_in(resource["Properties"])
    conditions = document.expanded.get("Conditions")
    if not names or not isinstance(conditions, dict):
        return
    possible = undecided_conditions.cases(conditions, names | ({own} if own is not None else set()))
    cases = [(case, _refused(kind, resource["Properties"], case)) for case in possible if own is None or case[own]]
    sides = [(name, holds, [refused for case, refused in cases if case[name] is holds]) for name in sorted(names) for holds in (True, False)]
    for name, holds, side in sorted(sides, key=lambda side: -len(side[2])):  # what covers the most cases says it
        for key in [k for k in (side[0] if side else {}) if k not in known and all(k in refused for refused in side)]:
            known.add(key)
            yield _violation(document, logical, kind, side[0][key], f" (if condition {name} is {str(holds).lower()})")


def _refused(kind: str, properties: Any, case: Case) -> dict[_Key, Refused]:
    return {_key(refused): refused for refused in catalog.of_resource(kind, undecided_conditions.in_case(properties, case))}


def _key(refused: Refused) -> _Key:
    return refused.constraint.sentence, refused.path


def _violation(document: ResolvedTemplate, logical: str, kind: str, refused: Refused, case: str = "") -> Violation:
    row = refused.constraint
    message = f"{kind.split('::')[1]} refuses it{case}: {row.code}: {refused.message}"
    fix = row.cure or f"Change {'.'.join(map(str, refused.path)) or 'the properties'} to what the page says."
    return Violation(document, violation.at(logical, *refused.path), message, fix, source=row.page)
