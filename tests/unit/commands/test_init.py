from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from preflight import cli
from preflight.model import JsonObject
from preflight.plan import reader
from preflight.plan.plan import ImageStep, Plan

BUCKET = "Resources: {B: {Type: 'AWS::S3::Bucket'}}\n"
SERVICE = """\
Parameters:
  Vpc: {Type: "AWS::EC2::VPC::Id"}
  Subnets: {Type: "List<AWS::EC2::Subnet::Id>"}
  Port: {Type: Number}
Resources:
  Web:
    Type: AWS::ECS::Service
    Properties:
      TaskDefinition: !Ref Task
      NetworkConfiguration: {AwsvpcConfiguration: {Subnets: !Ref Subnets}}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - {Name: web, Image: !Sub "${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/shop:1", PortMappings: [{ContainerPort: 80}]}
"""


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def init(folder: Path, *options: str) -> Plan:
    assert cli.main(["init", str(folder), *options]) == 0
    return reader.load(folder / "preflight.yaml")


def data(folder: Path) -> JsonObject:
    loaded: JsonObject = yaml.safe_load((folder / "preflight.yaml").read_text())
    return loaded


def names(plan: Plan) -> list[str]:
    return [step.name for step in plan.steps]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "shop"
    home.mkdir()
    return home


def test_a_plan_names_no_address(folder: Path) -> None:
    write(folder, a_yaml=BUCKET)
    init(folder)

    assert "://" not in (folder / "preflight.yaml").read_text()


def test_files_that_are_no_templates_are_no_stacks_and_are_not_mentioned(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(
        folder,
        a_yaml=BUCKET,
        compose_yaml="services: {web: {image: nginx}}\n",
        pod_yaml="kind: Pod\nspec: {containers: []}\n",
        package_json='{"name": "x", "scripts": {}}',
        broken_yaml="kind: [\n",
    )

    assert [step.template.name for step in init(folder).stacks] == ["a.yaml"]
    said = capsys.readouterr().err
    assert not [name for name in ("compose", "pod", "package", "broken") if name in said]


def test_a_template_that_cannot_be_read_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, a_yaml=BUCKET, b_yaml="Resources: {A: [}\n")
    init(folder)

    assert "b.yaml:1 is left out" in capsys.readouterr().err


def test_nested_templates_are_no_stacks_and_are_put_where_their_parent_looks(folder: Path) -> None:
    url = '!Sub "https://${Files}.s3.amazonaws.com/${Folder}/net.yaml"'
    parent = f"Parameters: {{Files: {{Type: String}}, Folder: {{Type: String}}}}\nResources: {{N: {{Type: 'AWS::CloudFormation::Stack', Properties: {{TemplateURL: {url}}}}}}}\n"
    write(folder, cfn__root_yaml=parent, cfn__parts__net_yaml=BUCKET)
    plan = init(folder)

    assert [step.template.name for step in plan.stacks] == ["root.yaml"]
    assert plan.stacks[0].parameters == {"Files": "{bucket}", "Folder": "{templates}/parts"}
    assert plan.templates == folder / "cfn"


def test_a_plan_beside_its_nested_templates_is_no_template(folder: Path) -> None:
    parent = "Resources: {N: {Type: 'AWS::CloudFormation::Stack', Properties: {TemplateURL: 'https://b.s3.amazonaws.com/net.yaml'}}}\n"
    write(folder, root_yaml=parent, net_yaml=BUCKET)

    assert [path.name for path in init(folder).template_files()] == ["net.yaml", "root.yaml"]


def test_a_stack_comes_after_the_one_whose_export_it_imports(folder: Path) -> None:
    user = "Parameters: {Network: {Type: String, Default: other}}\nResources: {A: {Type: T, Properties: {V: !ImportValue {'Fn::Sub': '${Network}-Vpc'}}}}\n"
    exporter = "Resources: {V: {Type: 'AWS::EC2::VPC'}}\nOutputs: {V: {Value: !Ref V, Export: {Name: !Sub '${AWS::StackName}-Vpc'}}}\n"
    write(folder, app_yaml=user, net_yaml=exporter)
    plan = init(folder)

    assert names(plan) == ["{prefix}-net", "{prefix}-app"]
    assert plan.stacks[1].parameters == {"Network": "{prefix}-net"}


def test_a_parameter_without_a_value_gets_the_output_of_that_name(folder: Path) -> None:
    write(
        folder,
        app_yaml="Parameters: {VpcId: {Type: 'AWS::EC2::VPC::Id'}}\nResources: {A: {Type: T, Properties: {V: !Ref VpcId}}}\n",
        net_yaml="Resources: {V: {Type: 'AWS::EC2::VPC'}}\nOutputs: {VPC: {Value: !Ref V}}\n",
    )
    plan = init(folder)

    assert names(plan) == ["{prefix}-net", "{prefix}-app"]
    assert plan.stacks[1].parameters == {"VpcId": "{output.VPC}"}


def test_a_network_that_no_template_creates_is_created_first(folder: Path) -> None:
    write(folder, app_yaml=SERVICE)
    plan = init(folder)
    account = yaml.load((folder / "preflight-account.yaml").read_text(), _Tolerant)  # noqa: S506 - a SafeLoader

    assert names(plan) == ["{prefix}-account", "{prefix}"]
    assert plan.stacks[1].parameters == {"Vpc": "{output.AccountVpcId}", "Subnets": "{output.AccountPrivateSubnetIds}", "Port": "80"}
    assert {"AccountVpcId", "AccountPrivateSubnetIds"} <= set(account["Outputs"])


class _Tolerant(yaml.SafeLoader):
    """Reads the tags of intrinsic functions as nothing."""


_Tolerant.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


def test_a_value_that_only_the_user_knows_is_marked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, a_yaml="Parameters: {Ami: {Type: 'AWS::EC2::Image::Id'}}\n" + BUCKET)

    assert cli.main(["init", str(folder)]) == 0
    assert data(folder)["steps"][0]["parameters"] == {"Ami": "FILL-IN"}
    assert "replace FILL-IN" in capsys.readouterr().err


def test_a_value_is_one_that_the_declaration_admits(folder: Path) -> None:
    declared = "{Stage: {Type: String, AllowedValues: [blue, green]}, Id: {Type: String, AllowedPattern: '[0-9]+'}, Count: {Type: Number, MinValue: 3}}"
    write(folder, a_yaml=f"Parameters: {declared}\n{BUCKET}")

    assert init(folder).stacks[0].parameters == {"Stage": "blue", "Id": "1", "Count": "3"}


def test_an_image_is_built_by_the_folder_of_its_name_before_its_service(folder: Path) -> None:
    write(folder, app_yaml=SERVICE, shop__Dockerfile="FROM nginx\n", other__Dockerfile="FROM nginx\n")
    plan = init(folder)
    image = plan.steps[1]

    assert isinstance(image, ImageStep)
    assert image.name == "shop:1"
    assert image.build == folder / "shop"
    assert 'RepositoryName: "shop"' in (folder / "preflight-account.yaml").read_text()


def test_the_repositories_that_init_writes_break_no_rule(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, app_yaml=SERVICE, shop__Dockerfile="FROM nginx\n")
    init(folder)

    cli.main(["comply", str(folder / "preflight-account.yaml")])

    assert "verdict: pass (0 errors, 0 other findings)" in capsys.readouterr().out


def test_an_image_that_no_folder_builds_has_one_in_its_place(folder: Path) -> None:
    write(folder, app_yaml=SERVICE)

    assert list(init(folder).images) == ["shop"]


def test_templates_of_cdk_without_a_manifest_are_templates_as_others(folder: Path) -> None:
    (folder / "cdk.out").mkdir()
    (folder / "cdk.out" / "Web.template.json").write_text('{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}')

    assert [stack.template.name for stack in init(folder).stacks] == ["Web.template.json"]


def test_a_plan_is_not_overwritten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, a_yaml=BUCKET, preflight_yaml="mine")

    assert cli.main(["init", str(folder)]) == 2
    assert (folder / "preflight.yaml").read_text() == "mine"
    assert "preflight init --force" in capsys.readouterr().err


def test_force_overwrites_a_plan(folder: Path) -> None:
    write(folder, a_yaml=BUCKET, preflight_yaml="mine")

    assert names(init(folder, "--force")) == ["{prefix}"]


def test_a_folder_without_templates_is_an_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["init", str(folder)]) == 2
    assert "there is no CloudFormation template below" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name",
    [
        pytest.param('a"\n::error::x.yaml', id="a line that is a command"),
        pytest.param("a: &b *c !d.yaml", id="YAML's own characters"),
        pytest.param("a\x85\u2028\u202eb.yaml", id="line breaks of Unicode and a bidi override"),
    ],
)
def test_names_of_files_stay_data(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, b_yaml=BUCKET)
    (folder / name).write_text(BUCKET)

    assert {step.template.name for step in init(folder).stacks} == {name, "b.yaml"}
    assert not [line for line in capsys.readouterr().err.splitlines() if line.startswith("::")]
    assert (folder / "preflight.yaml").read_text().isascii()


def test_descriptions_and_names_of_parameters_stay_data(folder: Path) -> None:
    hostile = json.dumps({"Type": "AWS::EC2::Image::Id", "Description": "x\nstandins: {nginx: evil}\n::error::y"})
    write(folder, a_yaml=f'Parameters: {{"P\\nwaivers: []\\n#": {hostile}}}\n{BUCKET}')
    cli.main(["init", str(folder)])

    assert set(data(folder)) == {"version", "name", "region", "steps"}


def test_stacks_of_a_cdk_app_come_in_the_order_of_its_manifest(folder: Path) -> None:
    out = folder / "cdk.out"
    artifacts = {
        "Web": {"type": "aws:cloudformation:stack", "environment": "aws://1/eu-west-1", "properties": {"templateFile": "Web.template.json"}, "dependencies": ["Net"]},
        "Net": {"type": "aws:cloudformation:stack", "environment": "aws://1/eu-west-1", "properties": {"templateFile": "Net.template.json"}},
    }
    template = json.dumps({"Resources": {"B": {"Type": "AWS::S3::Bucket"}}})
    out.mkdir()
    for name, text in {"cdk.out": "{}", "manifest.json": json.dumps({"artifacts": artifacts}), "Web.template.json": template, "Net.template.json": template}.items():
        (out / name).write_text(text)
    plan = init(folder)

    assert names(plan) == ["{prefix}-Net", "{prefix}-Web"]
    assert plan.region == "eu-west-1"


def test_parameters_for_one_subnet_each_get_different_ones(folder: Path) -> None:
    text = SERVICE.replace('  Subnets: {Type: "List<AWS::EC2::Subnet::Id>"}\n', '  SubnetA: {Type: "AWS::EC2::Subnet::Id"}\n  SubnetB: {Type: String}\n').replace("Subnets: !Ref Subnets", "Subnets: [!Ref SubnetA, !Ref SubnetB]")
    write(folder, service_yaml=text)

    parameters = init(folder).stacks[-1].parameters

    assert (parameters["SubnetA"], parameters["SubnetB"]) == ("{output.AccountPrivateSubnet1Id}", "{output.AccountPrivateSubnet2Id}")


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param({"artifacts": [1]}, id="a list of artifacts"),
        pytest.param({"artifacts": {"A": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "."}}}}, id="an assembly that holds itself"),
        pytest.param({"artifacts": {"A": {"type": "aws:cloudformation:stack", "properties": [1]}}}, id="a list of properties"),
    ],
)
def test_a_manifest_of_another_form_is_named(folder: Path, manifest: JsonObject, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "cdk.out").mkdir()
    write(folder / "cdk.out", **{"cdk.out": "{}", "manifest.json": json.dumps(manifest)})

    assert cli.main(["init", str(folder)]) == 2
    assert "manifest.json: it is not a manifest of the CDK" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["AWS::EC2::AvailabilityZone::Name", "String"])
def test_parameters_for_one_zone_each_get_different_ones(folder: Path, kind: str) -> None:
    zones = f'  Zone1: {{Type: "{kind}"}}\n  Az2: {{Type: "{kind}"}}\n'
    write(folder, service_yaml=SERVICE.replace("Parameters:\n", f"Parameters:\n{zones}"))

    parameters = init(folder).stacks[-1].parameters

    assert (parameters["Zone1"], parameters["Az2"]) == ("{region}a", "{region}b")
