"""Parameters of Systems Manager."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.rehearsal.cloudformation.resources.context import Request, without
from preflight.rehearsal.cloudformation.resources.declarative import (
    CallSpec,
    Change,
    ReadSpec,
    ResourceSpec,
    by_id,
    call,
    handler,
)
from preflight.rehearsal.cloudformation.resources.handler import Handler


def _overwrite(change: Change) -> Iterator[Request]:
    yield {"Name": change.physical_id, **without(change.new, "Tags", "Name"), "Overwrite": True}


_PARAMETER = ResourceSpec(
    "ssm",
    create="PutParameter",
    physical_id="Name",
    delete=(call("DeleteParameter", by_id("Name")),),
    reads=(
        ReadSpec(
            "DescribeParameters",
            lambda name, _properties: {"ParameterFilters": [{"Key": "Name", "Option": "Equals", "Values": [name]}]},
            "Parameters[0]",
        ),
        ReadSpec("GetParameter", lambda name, _properties: {"Name": name, "WithDecryption": True}, "Parameter"),
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


TYPES: Mapping[str, Handler] = {"AWS::SSM::Parameter": handler(_PARAMETER)}
