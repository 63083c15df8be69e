"""Values that are not as the pages of AWS list them: a mistake, or newer than the page.

The tables in `preflight.aws.refusals` refuse a known value that is misspelt; of the others only AWS knows.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.aws.refusals import catalog
from preflight.comply.cross_template_rules import violation
from preflight.comply.cross_template_rules.violation import Violation
from preflight.plan.resolved_stacks import ResolvedStacks

_FIX = "Check the value against the page below. If AWS accepts it, keep it."


def check(stacks: ResolvedStacks) -> Iterator[Violation]:
    """The known values that their resource's service may not take."""
    for document in stacks.documents:
        for logical, resource in document.resources.items():
            properties = resource.get("Properties")
            if isinstance(properties, dict):
                for refused in catalog.unlisted(str(resource.get("Type")), properties):
                    message = f"{refused.message}; unless AWS takes it, the stack fails with {refused.constraint.code}."
                    yield Violation(document, violation.at(logical, *refused.path), message, _FIX, source=refused.constraint.page)
