"""Adds the dependencies that AWS documents as required and a template does not declare. Pure.

An order that always fails on AWS is the one that the rehearsal takes. Of a race it takes the order that
succeeds, so that what lies behind it is seen; comply warns about the race.
"""

from __future__ import annotations

from collections.abc import Mapping

from preflight.templates import dependency_graph, undeclared_dependencies
from preflight.templates.dependency_graph import ResourceDefinitions


def with_undeclared_dependencies(resources: ResourceDefinitions, needs: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Returns `needs` with one more for each pair that the template leaves unordered."""
    ordered = {name: set(targets) for name, targets in needs.items()}
    for pair in undeclared_dependencies.of_template(resources, needs):
        waiting, needed = (pair.waiting, pair.needed) if pair.is_race else (pair.needed, pair.waiting)
        if not dependency_graph.reaches(ordered, needed, waiting):
            ordered[waiting].add(needed)
    return ordered
