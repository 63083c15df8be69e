"""Parameters of Systems Manager."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Request, without
from preflight.rehearsal.cloudformation.resources.declarative import (
    CallSpec,
    Change,
    ReadSpec,
    ResourceSpec,
    by_id,
    call,
    handler,
)
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler


def _overwrite(change: Change) -> Iterator[Request]:
    yield {"Name": change.physical_id, **without(change.new, "Tags", "Name"), "Overwrite": True}


_PARAMETER = ResourceSpec(
    "ssm",
    create="PutParameter",
    physical_id="Name",
    delete=(call("DeleteParameter", by_id("Name")),),
    reads=(
        ReadSpec("GetParameter", lambda name, _properties: {"Name": name, "WithDecryption": True}, "Parameter"),
        ReadSpec(
            "DescribeParameters",
            lambda name, _properties: {"ParameterFilters": [{"Key": "Name", "Option": "Equals", "Values": [name]}]},
            "Parameters[0]",
        ),
        ReadSpec(
            "ListTagsForResource",
            lambda name, _properties: {"ResourceType": "Parameter", "ResourceId": name},
            "{Tags: TagList}",
        ),
    ),
    update=(CallSpec("PutParameter", _overwrite, stores=None),),
    name="Name",
    max_length=512,
    attributes={"Type": "Type", "Value": "Value"},
)


def _create(context: HandlerContext, properties: Properties) -> CreatedResource:
    """Creates a parameter; CloudFormation names one CFN-LOGICALID-RANDOM, whatever its stack is called."""
    prefixed = replace(context, stack_name="CFN")
    name = properties.get("Name") or prefixed.generate_name(max_length=512)
    return handler(_PARAMETER).create(context, {**properties, "Name": name})


TYPES: Mapping[str, Handler] = {"AWS::SSM::Parameter": replace(handler(_PARAMETER), create=_create)}
