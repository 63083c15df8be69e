"""Parameters of Systems Manager."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.rehearsal.cloudformation.resources.handler import (
    CreatedResource,
    Handler,
    HandlerContext,
    Properties,
)


def _create_parameter(place: HandlerContext, given: Properties) -> CreatedResource:
    name = given.get("Name") or place.name(most=512)
    tags = {tag: str(value) for tag, value in {**place.tags, **(given.get("Tags") or {})}.items()}
    plain = {key: value for key, value in given.items() if key not in {"Tags", "Name"}}
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    place.call("ssm", "PutParameter", {"Name": name, **plain, **({"Tags": listed} if listed else {})})
    return CreatedResource(name, {"Type": given["Type"], "Value": given["Value"]})


def _update_parameter(place: HandlerContext, name: str, _old: Properties, new: Properties) -> CreatedResource:
    plain = {key: value for key, value in new.items() if key not in {"Tags", "Name"}}
    place.call("ssm", "PutParameter", {"Name": name, **plain, "Overwrite": True})
    return CreatedResource(name, {"Type": new["Type"], "Value": new["Value"]})


def _read_parameter(place: HandlerContext, name: str, _given: Properties) -> dict[str, Any]:
    wanted = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
    described = place.ask("ssm", "DescribeParameters", ParameterFilters=wanted)["Parameters"]
    kept = place.ask("ssm", "GetParameter", Name=name, WithDecryption=True)["Parameter"]
    tags = place.ask("ssm", "ListTagsForResource", ResourceType="Parameter", ResourceId=name)["TagList"]
    return {**(described[0] if described else {}), **kept, "Tags": {tag["Key"]: tag["Value"] for tag in tags}}


def _delete_parameter(place: HandlerContext, name: str, _given: Properties) -> None:
    place.ask("ssm", "DeleteParameter", Name=name)


TYPES: Mapping[str, Handler] = {
    "AWS::SSM::Parameter": Handler(_create_parameter, _delete_parameter, _update_parameter, _read_parameter),
}
