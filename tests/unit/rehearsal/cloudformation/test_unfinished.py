from __future__ import annotations

from collections.abc import Mapping

import pytest

from preflight.rehearsal.cloudformation.stack import STACK, Resource, Stack, StackInput, Stacks
from preflight.rehearsal.cloudformation.unfinished import UnfinishedResources

REGION = "us-east-1"
SERVICE, OTHER = "arn:service", "arn:other"


def add(stacks: Stacks, name: str, unfinished: Mapping[str, set[str]], parent: Stack | None = None, **physical: str) -> Stack:
    """Adds a stack of which resources are unfinished; `physical` gives ids to some of them."""
    stack = stacks.new(REGION, name, StackInput("", {}, {}, {}), parent=parent.id if parent else None)
    stack.root = parent.id if parent else None
    stack.unfinished = dict(unfinished)
    for logical in {*unfinished, *physical}:
        kind = STACK if physical.get(logical, "").startswith("arn:aws:cloudformation") else "T"
        stack.resources[logical] = Resource(logical, kind, {}, physical_id=physical.get(logical, ""))
    stacks.add(stack)
    return stack


@pytest.mark.parametrize(
    ("unfinished", "can_help"),
    [
        pytest.param({"S": set(), "Route": set()}, True, id="a route is still to come"),
        pytest.param({"S": set()}, False, id="only the service is unfinished"),
        pytest.param({"S": set(), "After": {"S"}}, False, id="what is left waits for the service"),
        pytest.param({"S": set(), "After": {"S"}, "Last": {"After"}}, False, id="or for what waits for it"),
        pytest.param({"S": set(), "O": set(), "After": {"O"}}, False, id="or for another service that fails"),
    ],
)
def test_a_resource_that_waits_for_no_failing_service_can_help(
    unfinished: Mapping[str, set[str]], *, can_help: bool
) -> None:
    stacks = Stacks("123456789012")
    add(stacks, "web", unfinished, S=SERVICE, O=OTHER)

    assert UnfinishedResources(stacks).can_help(SERVICE, {SERVICE, OTHER}) is can_help


def test_a_service_that_does_not_fail_can_help() -> None:
    stacks = Stacks("123456789012")
    add(stacks, "web", {"S": set(), "O": set()}, S=SERVICE, O=OTHER)

    assert UnfinishedResources(stacks).can_help(SERVICE, {SERVICE})


def test_a_service_of_no_stack_cannot_be_helped() -> None:
    assert not UnfinishedResources(Stacks("123456789012")).can_help(SERVICE, {SERVICE})


@pytest.mark.parametrize(
    ("unfinished", "can_help"),
    [
        pytest.param({"Inner": set(), "Route": set()}, True, id="a route of the parent is still to come"),
        pytest.param({"Inner": set(), "Route": {"Inner"}}, False, id="the parent waits for the nested stack"),
    ],
)
def test_resources_of_the_parent_count(unfinished: Mapping[str, set[str]], *, can_help: bool) -> None:
    stacks = Stacks("123456789012")
    parent = add(stacks, "parent", unfinished)
    nested = add(stacks, "nested", {"S": set()}, parent, S=SERVICE)
    parent.resources["Inner"] = Resource("Inner", STACK, {}, physical_id=nested.id)

    assert UnfinishedResources(stacks).can_help(SERVICE, {SERVICE}) is can_help
