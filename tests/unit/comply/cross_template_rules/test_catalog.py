from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.comply import rules, ruleset
from preflight.comply.cross_template_rules import catalog
from preflight.plan import reader, resolved_stacks
from preflight.templates import template
from preflight.templates.template import Template

ROOT = Path(__file__).parents[4]
PLAN = reader.load(ROOT / "preflight.yaml")
TEMPLATES = {path: template.load(path, name=path.name) for path in PLAN.template_files()}
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.sampled_from(["0.0.0.0/0", "ENABLED", "FARGATE", "9" * 5000, "²", "\x00", math.nan, math.inf, 1e300, 10**400]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["Ref", "Fn::GetAtt", "Fn::If", "Fn::Join", "Fn::Sub", "a"]), inner, max_size=2),
    max_leaves=6,
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(below for key, item in pairs for below in paths(item, (*path, key)))]


PLACES = [(file, path) for file, known in TEMPLATES.items() for path in paths(known.data) if path]


def test_every_check_is_described_and_every_description_has_its_check() -> None:
    assert sorted(catalog.CHECKS) == sorted(rule.name for rule in rules.python_rules_below(ruleset.shipped_rules()))


def test_our_own_deployment_passes_every_check() -> None:
    every = resolved_stacks.of_plan(PLAN, TEMPLATES, run="run1")

    assert [found for check in catalog.CHECKS.values() for found in check(every)] == []


@settings(max_examples=300, deadline=None)
@given(place=st.sampled_from(PLACES), odd=ODD)
def test_an_odd_value_anywhere_never_breaks_a_check(place: tuple[Path, tuple[Any, ...]], odd: Any) -> None:
    file, path = place
    data = copy.deepcopy(TEMPLATES[file].data)
    holder: Any = data
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = odd
    changed = {**TEMPLATES, file: Template(file.name, data, {})}

    every = resolved_stacks.of_plan(PLAN, changed, run="run1")
    found = [offence for check in catalog.CHECKS.values() for offence in check(every)]

    assert json.dumps([(o.message, o.document.line(*o.path)) for o in found])
