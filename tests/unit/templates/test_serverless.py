from __future__ import annotations

from typing import Any

import pytest

from preflight.templates import serverless
from preflight.templates.intrinsic_functions import ResolveError

TOPIC = {"Type": "AWS::SNS::Topic"}
TABLE = {"Type": "AWS::Serverless::SimpleTable"}


def template(**resources: Any) -> dict[str, Any]:
    return {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}


@pytest.mark.parametrize(
    ("data", "changes"),
    [
        pytest.param(template(A=TOPIC), False, id="a header alone"),
        pytest.param(template(A=TABLE), True, id="a resource of SAM"),
        pytest.param({**template(A=TOPIC), "Globals": {}}, True, id="Globals"),
        pytest.param({"Resources": {"A": TABLE}}, False, id="no header"),
    ],
)
def test_the_transform_changes_templates_with_resources_of_sam(data: dict[str, Any], *, changes: bool) -> None:
    assert serverless.changes(data) is changes


def test_a_resource_of_sam_becomes_one_of_cloudformation() -> None:
    made = serverless.transformed(template(A=TABLE, B=TOPIC), {}, "us-east-1")

    assert {name: resource["Type"] for name, resource in made["Resources"].items()} == {
        "A": "AWS::DynamoDB::Table",
        "B": "AWS::SNS::Topic",
    }


def test_what_the_transform_refuses_is_refused_in_the_words_of_aws() -> None:
    function = {"Type": "AWS::Serverless::Function", "Properties": {"Runtime": "python3.13"}}

    with pytest.raises(ResolveError, match="failed with: Invalid Serverless Application Specification document"):
        serverless.transformed(template(A=function), {}, "us-east-1")
