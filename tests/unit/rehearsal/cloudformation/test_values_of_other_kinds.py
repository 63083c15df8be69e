"""A property of every modelled type with a value of another kind is created or refused, and is no internal error."""

from __future__ import annotations

import copy
import functools
import itertools
import json
import operator
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from preflight.rehearsal import server
from preflight.rehearsal.server import Server
from preflight.templates import schemas, template

REGION = "ap-northeast-1"
FULL = template.parse((Path(__file__).parent / "every_type.yaml").read_text()).data
FULL.pop("Outputs", None)
TEXT = json.dumps(FULL["Resources"])
# Nothing refers to these; a service is left out, which is waited for.
ENDS = sorted(
    name
    for name, resource in FULL["Resources"].items()
    if resource["Type"] != "AWS::ECS::Service" and f'"{name}"' not in TEXT.replace(f'"{name}": {{"Type"', "") and f"${{{name}" not in TEXT
)
ODD: tuple[Any, ...] = ("x", "", [], ["x"], [[]], [{}], {}, {"a": "b"}, 1, -1, True, 1.5, "arn:", None)
CASES = 4  # of each resource, always the same ones


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        yield (*path, key)
        yield from paths(item, (*path, key))


def changed(properties: dict[str, Any], path: tuple[Any, ...], odd: Any) -> dict[str, Any]:
    """Returns properties with another value at a path, or without one."""
    copied = copy.deepcopy(properties)
    holder = functools.reduce(operator.getitem, path[:-1], copied)
    if odd is None:
        del holder[path[-1]]
    else:
        holder[path[-1]] = odd
    return copied


def cases(kind: str, properties: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns some of the properties with one value of another kind that the schema of the type lets through."""
    pairs = list(itertools.product(paths(properties), ODD))
    random.Random(kind).shuffle(pairs)  # noqa: S311 - a choice of cases
    odd = (changed(properties, path, value) for path, value in pairs)
    return list(itertools.islice((p for p in odd if not schemas.violations(kind, schemas.coerce(kind, p))), CASES))


def finish(account: Server, name: str) -> Any:
    stack = next(stack for stack in account.parts.cloudformation.stacks.all() if stack.name == name)
    assert stack.wait(lambda: stack.is_finished, timeout=120)
    return stack


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Any, dict[str, Any]]]:
    """An account with everything that the resources refer to, and the resolved properties of each of them."""
    with server.running(folder=tmp_path_factory.mktemp("account")) as running:
        client: Any = boto3.client("cloudformation", region_name=REGION, endpoint_url=running.address)
        client.create_stack(StackName="base", TemplateBody=json.dumps(FULL), Capabilities=["CAPABILITY_NAMED_IAM"])
        base = finish(running, "base")
        resolved = {name: json.loads(json.dumps(base.resources[name].properties, default=str)) for name in ENDS}
        rest = {**FULL, "Resources": {name: part for name, part in FULL["Resources"].items() if name not in ENDS}}
        client.update_stack(StackName="base", TemplateBody=json.dumps(rest), Capabilities=["CAPABILITY_NAMED_IAM"])
        assert base.wait(lambda: base.status == "UPDATE_COMPLETE", timeout=120)
        yield running, client, resolved


@pytest.mark.parametrize("name", ENDS)
def test_a_value_of_another_kind_is_no_internal_error(account: tuple[Server, Any, dict[str, Any]], name: str) -> None:
    running, client, resolved = account
    kind, troubles = FULL["Resources"][name]["Type"], running.parts.cloudformation._ledger.troubles
    before = len(troubles)
    for number, properties in enumerate(cases(kind, resolved[name])):
        body = json.dumps({"Resources": {"A": {"Type": kind, "Properties": properties}}})
        client.create_stack(StackName=f"{name}{number}", TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
        stack = finish(running, f"{name}{number}")
        client.delete_stack(StackName=stack.name)
        assert stack.wait(lambda stack=stack: stack.is_finished, timeout=120)

        assert troubles[before:] == [], properties
