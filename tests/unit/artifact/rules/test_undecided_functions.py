"""A rule of tier fargate never fails on a function: the value may be right once it is known."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from preflight.aws import unresolved
from preflight.comply import cfn_guard, guard_documents, rules
from preflight.comply.cfn_guard_binary import Binary
from preflight.templates import template

ROOT = Path(__file__).parents[4]
RULES = rules.rules_below([ROOT / "rules" / "fargate"])
WEB = template.load(Path(__file__).with_name("web.yaml"))
JUDGED = ("AWS::ECS::", "AWS::IAM::Role", "AWS::ElasticLoadBalancingV2::TargetGroup", "AWS::EC2::Route", "AWS::Logs::")
Keys = tuple[str | int, ...]


def places(value: Any, keys: Keys) -> Iterator[Keys]:
    """Everywhere below `value` where a function could stand."""
    if unresolved.function_of(value) is not None:
        return
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*keys, key)
        yield from places(item, (*keys, key))


def changed(places_now: tuple[Keys | None, ...], function: Callable[[Any], Any]) -> dict[str, Any]:
    data = copy.deepcopy(dict(WEB.data))
    for keys in filter(None, places_now):
        inner: Any = data
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = function(inner[keys[-1]])
    return data


@pytest.mark.guard
@pytest.mark.parametrize(
    "function",
    [
        pytest.param(lambda value: {"Fn::If": ["IsSmall", value, {"Ref": "AWS::NoValue"}]}, id="a condition"),
        pytest.param(lambda _: {"Ref": "Certificate"}, id="a parameter"),
    ],
)
def test_wherever_a_function_stands_no_rule_fails(
    guard: Binary, tmp_path: Path, function: Callable[[Any], Any]
) -> None:
    """One place of each resource at a time, so that every place is tried and a hundred templates suffice."""
    judged = {name: r for name, r in WEB.resources.items() if r["Type"].startswith(JUDGED)}
    by_resource = [places(r.get("Properties", {}), ("Resources", n, "Properties")) for n, r in judged.items()]
    known = {}
    for number, now in enumerate(itertools.zip_longest(*by_resource)):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(changed(now, function)))
        known[path] = template.load(path)

    found = cfn_guard.start(guard, RULES, guard_documents.as_written(known)).findings()

    assert [(f.check, f.resource, f.property) for f in found] == []
