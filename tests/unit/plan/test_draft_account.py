from __future__ import annotations

import re
from pathlib import Path

import pytest

from preflight import cli
from preflight.plan.draft import account_template
from preflight.plan.draft.account_template import SAMPLES, Wanted
from preflight.templates import references, template

EVERYTHING = Wanted(set(SAMPLES), ["shop"], {"{prefix}-VpcId": "{output.AccountVpcId}", "shared:Port": "80"}, subnets=3, ports={1: 8080})


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_template_with_one_output_has_all_that_this_needs(name: str) -> None:
    read = template.parse(account_template.render(Wanted({name})), name="account.yaml")

    assert {reference.name for reference in references.references_in(read.data) if not reference.name.startswith("AWS::")} <= set(read.resources)
    assert name in read.data["Outputs"]


def test_a_template_without_anything_is_empty() -> None:
    assert account_template.render(Wanted()) == ""


@pytest.mark.parametrize("command", ["lint", "comply"])
def test_a_template_with_everything_breaks_no_rule(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "account.yaml").write_text(account_template.render(EVERYTHING))

    assert cli.main([command, "--format", "text", str(tmp_path / "account.yaml")]) == 0, capsys.readouterr().out


def test_names_of_exports_follow_the_prefix_of_the_run() -> None:
    exports = template.parse(account_template.render(EVERYTHING), name="a.yaml").data["Outputs"]

    assert exports["Export1"] == {"Value": {"Ref": "Vpc"}, "Export": {"Name": {"Fn::Sub": "${Prefix}-VpcId"}}}
    assert exports["Export2"] == {"Value": "80", "Export": {"Name": "shared:Port"}}
    assert EVERYTHING.parameters == {"Prefix": "{prefix}"}


def test_an_export_of_a_text_alone_is_a_template() -> None:
    read = template.parse(account_template.render(Wanted(exports={"Port": "80"})), name="a.yaml")

    assert len(read.resources) == 1


def test_each_target_group_is_forwarded_to_by_a_listener_of_its_own() -> None:
    text = account_template.render(Wanted({"AccountTargetGroup1Arn", "AccountTargetGroup2Arn"}, ports={2: 3000}))
    resources = template.parse(text, name="a.yaml").resources
    listeners = [resource["Properties"] for resource in resources.values() if str(resource["Type"]).endswith("::Listener")]

    assert [re.sub(r"\W+", " ", str(listener["DefaultActions"][0]["TargetGroupArn"])) for listener in listeners] == [" Ref TargetGroup2 ", " Ref TargetGroup1 "]
    assert resources["TargetGroup2"]["Properties"]["Port"] == 3000
    assert len({listener["Port"] for listener in listeners}) == 2


def test_services_may_use_the_capacity_providers_of_fargate() -> None:
    cluster = template.parse(account_template.render(Wanted({"AccountClusterName"})), name="a.yaml").resources["Cluster"]

    assert cluster["Properties"] == {"CapacityProviders": ["FARGATE", "FARGATE_SPOT"]}


@pytest.mark.parametrize("name", ["-", "on", "0123", "null", "web"])
def test_the_name_of_a_container_is_a_text(name: str) -> None:
    resources = template.parse(account_template.render(Wanted({"AccountTaskDefinitionArn"}, containers={name: [80]})), name="a.yaml").resources
    (container,) = resources["TaskDefinition"]["Properties"]["ContainerDefinitions"]

    assert container["Name"] == name
    assert container["LogConfiguration"]["Options"]["awslogs-stream-prefix"] == name
