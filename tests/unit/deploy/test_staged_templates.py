from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from preflight.deploy.staged_templates import StagedTemplates
from preflight.plan import reader

CHILD = "Resources: {Topic: {Type: 'AWS::SNS::Topic'}}\n"
PARENT = "Resources:\n  Network: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: LOCATION, Parameters: {Name: !Ref AWS::StackName}}}\n"


def staged(tmp_path: Path, parent: str) -> bytes:
    """Returns the parent as it lies in the bucket, beside `net/vpc.yaml`."""
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "vpc.yaml").write_text(CHILD)
    (tmp_path / "top.yaml").write_text(parent)
    (tmp_path / "preflight.yaml").write_text("version: 1\nname: demo\nregion: eu-west-1\ntemplates: .\nsteps: [{stack: demo, template: top.yaml}]\n")
    objects: dict[str, bytes] = {}
    bucket: Any = SimpleNamespace(name="b", put=objects.__setitem__)
    StagedTemplates(reader.load(tmp_path / "preflight.yaml"), {"templates": "demo"}, SimpleNamespace(region="eu-west-1"), bucket).stage()  # type: ignore[arg-type]
    return objects["demo/top.yaml"]


@pytest.mark.parametrize("location", ["net/vpc.yaml", "./net/vpc.yaml"])
def test_the_path_of_a_nested_template_is_replaced_by_its_url(tmp_path: Path, location: str) -> None:
    network = json.loads(staged(tmp_path, PARENT.replace("LOCATION", location)))["Resources"]["Network"]["Properties"]

    assert network == {"TemplateURL": "https://b.s3.eu-west-1.amazonaws.com/demo/net/vpc.yaml", "Parameters": {"Name": {"Ref": "AWS::StackName"}}}


def test_the_location_of_an_application_of_sam_is_replaced(tmp_path: Path) -> None:
    text = "Transform: AWS::Serverless-2016-10-31\nResources: {Vpc: {Type: 'AWS::Serverless::Application', Properties: {Location: net/vpc.yaml}}}\n"

    assert json.loads(staged(tmp_path, text))["Resources"]["Vpc"]["Properties"]["Location"].startswith("https://b.s3.")


@pytest.mark.parametrize(
    "location",
    [
        pytest.param("https://b.s3.amazonaws.com/net/vpc.yaml", id="a URL"),
        pytest.param("net/other.yaml", id="no file"),
        pytest.param("../../etc/passwd", id="a file that is no template of the plan"),
        pytest.param('!Sub "${Base}/net/vpc.yaml"', id="not known"),
    ],
)
def test_what_is_no_path_of_a_template_stays(tmp_path: Path, location: str) -> None:
    text = PARENT.replace("LOCATION", location)

    assert staged(tmp_path, text) == text.encode()


def test_a_template_that_cannot_be_read_stays(tmp_path: Path) -> None:
    text = "Resources: {TemplateURL: [\n"

    assert staged(tmp_path, text) == text.encode()
