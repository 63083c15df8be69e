"""What is read from a request: values of the types that the service's model declares."""

from __future__ import annotations

import json
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from preflight.rehearsal import protocol
from preflight.rehearsal.protocol import Refusal


def create_service(**hook: Any) -> dict[str, Any]:
    """The first lifecycle hook of a CreateService, as it is read."""
    body = {"serviceName": "web", "deploymentConfiguration": {"lifecycleHooks": [hook]}}
    headers = [("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.CreateService")]
    environ = EnvironBuilder(method="POST", data=json.dumps(body), headers=headers, content_type="application/x-amz-json-1.1").get_environ()
    call = protocol.parse("ecs", "ap-northeast-1", Request(environ))
    read: dict[str, Any] = call.parameters["deploymentConfiguration"]["lifecycleHooks"][0]
    return read


@pytest.mark.parametrize(
    "details",
    [
        pytest.param({"key": 1}, id="a map"),
        pytest.param('{"key": 1}', id="a text"),
        pytest.param(["a"], id="a list"),
        pytest.param(True, id="a boolean"),
    ],
)
def test_a_document_holds_any_json_value(details: object) -> None:
    assert create_service(hookDetails=details)["hookDetails"] == details


def test_a_member_of_another_type_is_refused() -> None:
    with pytest.raises(Refusal, match="int can not be converted to string"):
        create_service(hookTargetArn=1)
