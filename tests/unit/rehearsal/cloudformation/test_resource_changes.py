"""What a change set says of each resource, and of those that refer to a replaced one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from preflight.rehearsal.cloudformation import resource_changes
from preflight.rehearsal.cloudformation.provisioner import Provisioner
from preflight.rehearsal.cloudformation.resource_changes import ResourceChange
from preflight.rehearsal.cloudformation.stack import Resource
from tests.unit.rehearsal.cloudformation.conftest import request

GROUP = "AWS::Logs::LogGroup"
FILTER = "AWS::Logs::MetricFilter"
REFERRING = {"LogGroupName": {"Ref": "Group"}, "FilterPattern": "ERROR"}


def declared(group: dict[str, Any], **referring: Any) -> dict[str, Any]:
    return {
        "Group": {"Type": GROUP, "Properties": group},
        "Errors": {"Type": FILTER, "Properties": {**REFERRING, **referring}},
    }


def details_of(change: ResourceChange) -> tuple[Any, ...]:
    """The details as they are shown without the values of properties."""
    return tuple(change.as_response()["ResourceChange"]["Details"])


@pytest.fixture
def change(provisioner: Provisioner) -> Any:
    """The changes to a stack with a log group and a filter that refers to it, by logical id."""
    former = declared({"LogGroupName": "g", "RetentionInDays": 7})
    stack = provisioner.stacks.new("us-east-1", "s", request(**former))
    properties = {"Group": former["Group"]["Properties"], "Errors": {**REFERRING, "LogGroupName": "g"}}
    for name, definition in former.items():
        physical = "g" if name == "Group" else "f"
        stack.resources[name] = Resource(name, definition["Type"], definition, physical, properties=properties[name])

    def changes(resources: dict[str, Any]) -> dict[str, ResourceChange]:
        after = request(**resources)
        context = resource_changes.resolution_context(provisioner.evaluator, stack, after, is_new=False)
        listed = resource_changes.resource_changes(provisioner.evaluator, stack, after, context)
        return {change.logical_id: change for change in listed}

    return changes


def test_a_resource_that_refers_to_a_replaced_one_may_be_replaced(change: Any) -> None:
    changes = change(declared({"LogGroupName": "other", "RetentionInDays": 7}))

    assert changes["Group"].replacement == "True"
    assert changes["Errors"].replacement == "Conditional"
    assert details_of(changes["Errors"]) == (
        {
            "Target": {"Attribute": "Properties", "RequiresRecreation": "Always", "Name": "LogGroupName"},
            "Evaluation": "Dynamic",
            "ChangeSource": "ResourceAttribute",
        },
    )


def test_a_resource_that_refers_to_one_changed_in_place_does_not_change(change: Any) -> None:
    changes = change(declared({"LogGroupName": "g", "RetentionInDays": 14}))

    assert list(changes) == ["Group"]
    assert changes["Group"].replacement == "False"


def test_a_replaced_resource_comes_before_those_that_refer_to_it(change: Any) -> None:
    assert list(change(declared({"LogGroupName": "other"}))) == ["Group", "Errors"]


def test_a_property_changed_in_the_template_is_a_direct_modification(change: Any) -> None:
    changes = change(declared({"LogGroupName": "g", "RetentionInDays": 7}, FilterPattern="WARN"))

    assert changes["Errors"].replacement == "False"
    assert details_of(changes["Errors"]) == (
        {
            "Target": {"Attribute": "Properties", "RequiresRecreation": "Never", "Name": "FilterPattern"},
            "Evaluation": "Static",
            "ChangeSource": "DirectModification",
        },
    )


@pytest.mark.parametrize(
    ("policy", "action"),
    [
        pytest.param("Delete", "Delete", id="deleted"),
        pytest.param("Retain", "Retain", id="retained"),
        pytest.param("RetainExceptOnCreate", "Retain", id="retained, as it is not new"),
    ],
)
def test_a_removed_resource_shows_what_its_policy_does(provisioner: Provisioner, policy: str, action: str) -> None:
    definition = {"Type": GROUP, "DeletionPolicy": policy}
    stack = provisioner.stacks.new("us-east-1", "s", request(A=definition))
    stack.resources["A"] = Resource("A", GROUP, definition, "a")
    after = request(B={"Type": GROUP})
    context = resource_changes.resolution_context(provisioner.evaluator, stack, after, is_new=False)

    added, removed = resource_changes.resource_changes(provisioner.evaluator, stack, after, context)

    assert added == ResourceChange("Add", "B", GROUP, after={})
    assert removed == ResourceChange("Remove", "A", GROUP, "a", policy_action=action, before={})


def test_an_attribute_alone_is_a_change_in_place(provisioner: Provisioner) -> None:
    stack = provisioner.stacks.new("us-east-1", "s", request(A={"Type": GROUP}))
    stack.resources["A"] = Resource("A", GROUP, {"Type": GROUP}, "a")
    after = request(A={"Type": GROUP, "DeletionPolicy": "Retain"})
    context = resource_changes.resolution_context(provisioner.evaluator, stack, after, is_new=False)

    (change,) = resource_changes.resource_changes(provisioner.evaluator, stack, after, context)

    assert change.scope == ("DeletionPolicy",)
    assert change.replacement == "False"


def test_a_replaced_resource_shows_its_values_before_and_after_if_they_are_wanted(change: Any) -> None:
    shown = change(declared({"LogGroupName": "other"}))["Group"].as_response(has_values=True)["ResourceChange"]

    assert json.loads(shown["BeforeContext"]) == {"Properties": {"LogGroupName": "g", "RetentionInDays": 7}}
    assert json.loads(shown["AfterContext"]) == {"Properties": {"LogGroupName": "other"}}
    assert shown["PolicyAction"] == "ReplaceAndDelete"
    assert [detail["Target"] for detail in shown["Details"]] == [
        {
            "Attribute": "Properties",
            "RequiresRecreation": "Always",
            "Name": "LogGroupName",
            "Path": "/Properties/LogGroupName",
            "BeforeValue": "g",
            "AfterValue": "other",
            "AttributeChangeType": "Modify",
        },
        {
            "Attribute": "Properties",
            "RequiresRecreation": "Never",
            "Name": "RetentionInDays",
            "Path": "/Properties/RetentionInDays",
            "BeforeValue": "7",
            "AfterValue": None,
            "AttributeChangeType": "Remove",
        },
    ]
