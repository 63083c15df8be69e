"""What a service refuses of the properties of its resources, said before anything is created.

The tables in `preflight.aws.refusals` name AWS's page for each row; the rehearsal asks the same tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from preflight.aws.refusals import catalog
from preflight.comply.python_rules import violation
from preflight.comply.python_rules.violation import Violation
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate


def check(stacks: ResolvedStacks) -> Iterator[Violation]:
    """The properties, as far as they are known, that the service of their resource refuses."""
    for document in stacks.documents:
        for logical, resource in document.resources.items():
            properties = resource.get("Properties")
            if isinstance(properties, dict):
                yield from _of_resource(document, logical, str(resource.get("Type")), properties)


def _of_resource(
    document: ResolvedTemplate, logical: str, kind: str, properties: dict[str, Any]
) -> Iterator[Violation]:
    for refused in catalog.of_resource(kind, properties):
        row = refused.constraint
        message = f"{kind.split('::')[1]} refuses it: {row.code}: {refused.message}"
        fix = row.cure or f"Change {'.'.join(map(str, refused.path)) or 'the properties'} to what the page says."
        yield Violation(document, violation.at(logical, *refused.path), message, fix, source=row.page)
