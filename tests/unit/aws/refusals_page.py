"""Generates docs/refusals.md from the tables of `preflight.aws.refusals`.

Run as `python -m tests.unit.aws.refusals_page > docs/refusals.md`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from preflight.aws.constraints import Constraint
from preflight.aws.refusals import catalog

INTRODUCTION = """\
# What services refuse

This page is generated from the tables in `src/preflight/aws/refusals` (`python -m tests.unit.aws.refusals_page > docs/refusals.md`).
The rule [CFN_SERVICE_TAKES_PROPERTIES](rules.md#cfn_service_takes_properties) checks a template against them as far as its values are known; the emulated account checks each resource and request.
A value that is in no list, though AWS may have added it since, is a warning of the rule [CFN_SERVICE_LISTS_VALUES](rules.md#cfn_service_lists_values).
What depends on other resources (a target group in another VPC, a priority in use) is checked by the emulated account alone.
"""


def page() -> str:
    """Returns the whole page."""
    return "\n".join([INTRODUCTION, *_services(), *_sections()])


def _services() -> Iterator[str]:
    """How many rows there are for each service: its types, and the operations that have tables of their own."""
    rows: dict[str, list[int]] = {}
    for kind, table in (*catalog.TYPES.items(), *catalog.TAGS.items()):
        rows.setdefault(kind.split("::")[1] if "::" in kind else kind, []).append(len(table))
    yield "| service or operation | refusals |\n| --- | --- |"
    yield from (f"| {service} | {sum(numbers)} |" for service, numbers in sorted(rows.items()))
    yield f"| all | {sum(map(sum, rows.values()))} |\n"


def _sections() -> Iterator[str]:
    for kind in sorted(catalog.TYPES):
        yield from _section(kind, catalog.TYPES[kind])
    for service, kind in {kind.split("::")[1]: kind for kind in sorted(catalog.TAGS)}.items():
        yield from _section(f"Tags of {service}", catalog.TAGS[kind])


def _section(name: str, table: Iterable[Constraint]) -> Iterator[str]:
    yield f"## {name}\n"
    yield "| property | refused with | page |\n| --- | --- | --- |"
    yield from (_row(constraint) for constraint in table)
    yield ""


def _row(row: Constraint) -> str:
    """One constraint; where it is the properties of its first wrong example."""
    names = ".".join([*([row.at] if row.at else []), *list(row.test.refused[0])[:1]])
    sentence = row.sentence.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
    severity = "" if row.is_certain else "warning, "
    return f"| `{names}` | {severity}{row.code}: {sentence} | [page]({row.page}) |"


if __name__ == "__main__":
    sys.stdout.write(page())
