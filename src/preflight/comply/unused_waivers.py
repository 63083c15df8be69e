"""Decides whether a waiver hides nothing, or may hide what this run could not see. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.comply.ruleset import Ruleset
from preflight.comply.waivers import Waiver
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate
from preflight.templates import intrinsic_functions, references

_UNDECIDED = frozenset({"Fn::If", "Fn::FindInMap"})  # functions that only stay if a parameter is not known


def is_certain(waiver: Waiver, rules: Ruleset, stacks: ResolvedStacks) -> bool:
    """Whether a waiver that hid no finding certainly hides nothing: its rule ran, and all of the resource was known."""
    if waiver.rule not in rules.on:
        return False
    if waiver.where == "plan":
        return True
    if waiver.resource is None:
        return bool(stacks.of_file(waiver.file or ""))
    documents = [d for d in stacks.of_file(waiver.file or "") if waiver.resource in d.resources]
    return bool(documents) and not any(_is_undecided(d, d.resources[waiver.resource]) for d in documents)


def _is_undecided(document: ResolvedTemplate, resource: Mapping[str, Any]) -> bool:
    """Whether a part of a resource depends on a value that is not known, other than a reference to a resource."""
    parameters = document.expanded["Parameters"]
    return any(_depends_on_parameters(value, parameters) for key, value in resource.items() if key != "Metadata")


def _depends_on_parameters(value: Any, parameters: Mapping[str, Any]) -> bool:
    if not _UNDECIDED.isdisjoint(intrinsic_functions.functions_in(value)):
        return True
    return any(r.attribute is None and r.name in parameters for r in references.references_in(value))
