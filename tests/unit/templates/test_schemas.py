from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from preflight.aws import patterns
from preflight.templates import schemas

TASK = "AWS::ECS::TaskDefinition"


def task(protocol: str) -> dict[str, Any]:
    return {"ContainerDefinitions": [{"Name": "a", "Image": "b", "PortMappings": [{"Protocol": protocol}]}]}


def test_a_custom_resource_takes_any_json() -> None:
    assert schemas.violations("Custom::Thing", {"ServiceToken": "arn:x", "Flag": True, "Map": {"a": [1, None]}}) == []


def test_a_custom_resource_without_a_service_token_is_refused() -> None:
    assert schemas.violations("Custom::Thing", {"Flag": True}) == ["#: required key [ServiceToken] not found"]


@pytest.mark.parametrize(
    ("timeout", "found"),
    [
        pytest.param(1, [], id="the shortest"),
        pytest.param("3600", [], id="the longest, as a text"),
        pytest.param(0, ["#/ServiceTimeout: 0 is not greater or equal to 1"], id="none"),
        pytest.param(3601, ["#/ServiceTimeout: 3601 is not less or equal to 3600"], id="above an hour"),
        pytest.param("soon", ["#/ServiceTimeout: expected type: Integer, found: String"], id="a word"),
    ],
)
@pytest.mark.parametrize("kind", ["Custom::Thing", "AWS::CloudFormation::CustomResource"])
def test_a_custom_resource_is_given_up_to_an_hour(kind: str, timeout: Any, found: list[str]) -> None:
    properties = schemas.coerce(kind, {"ServiceToken": "arn:x", "ServiceTimeout": timeout})

    assert schemas.violations(kind, properties) == found


@pytest.mark.parametrize("protocol", ["tcp", "udp", "http"])
def test_a_port_mapping_takes_any_protocol(protocol: str) -> None:
    assert schemas.violations(TASK, task(protocol)) == []


@pytest.mark.parametrize(
    ("runtime", "expected"),
    [
        pytest.param("python3.99", [], id="one that Lambda may have added"),
        pytest.param("phyton3.13", ["#/Runtime: phyton3.13 is not a valid enum value"], id="misspelt"),
    ],
)
def test_a_runtime_may_be_new(runtime: str, expected: list[str]) -> None:
    function = {"Role": "arn:aws:iam::123456789012:role/r", "Code": {"ZipFile": "x"}, "Handler": "a.b", "Runtime": runtime}

    assert schemas.violations("AWS::Lambda::Function", function) == expected


def test_other_enumerations_are_closed() -> None:
    assert schemas.violations(TASK, {**task("tcp"), "RequiresCompatibilities": [3], "IpcMode": "x"}) != []


@pytest.mark.parametrize(
    ("kind", "attribute"),
    [
        pytest.param("AWS::AppMesh::Mesh", "MeshName", id="an identifier that the schema lists as no attribute"),
        pytest.param("AWS::EC2::VPC", "CidrBlock", id="a property"),
        pytest.param("AWS::EC2::VPC", "VpcId", id="what only AWS sets"),
    ],
)
def test_an_attribute_that_get_att_takes(kind: str, attribute: str) -> None:
    assert attribute in schemas.attributes(kind)


def test_an_attribute_that_a_type_does_not_have() -> None:
    assert "Nope" not in schemas.attributes("AWS::EC2::VPC")


def test_a_pattern_that_takes_too_long_decides_nothing() -> None:
    slow = mock.Mock(search=mock.Mock(side_effect=TimeoutError))

    with mock.patch.object(patterns, "_compiled", return_value=slow):
        assert schemas.violations("AWS::Logs::LogGroup", {"LogGroupName": "no such name!"}) == []


def test_another_key_schema_replaces_a_table() -> None:
    """No request changes it: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html."""
    assert "KeySchema" in schemas.create_only("AWS::DynamoDB::Table")
