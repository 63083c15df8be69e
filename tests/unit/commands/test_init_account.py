"""What `preflight init` expects of the account, by what parameters and imports are used for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from preflight import cli
from preflight.comply import ec2_workloads
from preflight.model import JsonObject
from preflight.plan import reader, resolved_stacks
from preflight.plan.plan import Plan
from preflight.templates import template

TASK = {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": [{"Name": "web", "Image": "nginx", "PortMappings": [{"ContainerPort": 3000}]}]}}
STRING = {"Type": "String"}


def init(folder: Path, resources: JsonObject, parameters: JsonObject | None = None, **conditions: object) -> Plan:
    (folder / "app.json").write_text(json.dumps({"Parameters": parameters or {}, "Conditions": conditions, "Resources": resources}))
    assert cli.main(["init", str(folder)]) == 0
    return reader.load(folder / "preflight.yaml")


def one(kind: str, **properties: object) -> JsonObject:
    return {"R": {"Type": kind, "Properties": properties}}


def account(folder: Path) -> JsonObject:
    data: JsonObject = template.load(folder / "preflight-account.yaml", name="preflight-account.yaml").data
    return data


def exports(folder: Path) -> dict[str, object]:
    return {json.dumps(output["Export"]["Name"]): output["Value"] for output in account(folder)["Outputs"].values() if "Export" in output}


def service(**properties: object) -> JsonObject:
    return one("AWS::ECS::Service", **properties)


P: JsonObject = {"Ref": "P"}
GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"


@pytest.mark.parametrize(
    ("resources", "value"),
    [
        pytest.param(service(LoadBalancers=[{"TargetGroupArn": P}]), "{output.AccountTargetGroup1Arn}", id="target group"),
        pytest.param(one(RULE, ListenerArn=P), "{output.AccountListenerArn}", id="listener"),
        pytest.param(one("AWS::ElasticLoadBalancingV2::Listener", LoadBalancerArn=P), "{output.AccountLoadBalancerArn}", id="load balancer"),
        pytest.param(one("AWS::Route53::RecordSet", AliasTarget={"DNSName": P}), "{output.AccountLoadBalancerDnsName}", id="DNS name of a load balancer"),
        pytest.param(one("AWS::ECS::TaskDefinition", ExecutionRoleArn={"Fn::Sub": "${P}"}), "{output.AccountExecutionRoleArn}", id="execution role, as the whole text of Fn::Sub"),
        pytest.param(one("AWS::ECS::TaskDefinition", TaskRoleArn={"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:role/${P}"}), "{output.AccountTaskRoleName}", id="name of a task role"),
        pytest.param(one("AWS::ECS::TaskDefinition", Volumes=[{"EFSVolumeConfiguration": {"FilesystemId": P}}]), "{output.AccountFileSystemId}", id="file system"),
        pytest.param(service(ServiceRegistries=[{"RegistryArn": P}]), "{output.AccountRegistryArn}", id="registry"),
        pytest.param(one("AWS::ServiceDiscovery::Service", NamespaceId={"Fn::If": ["C", P, {"Ref": "AWS::NoValue"}]}), "{output.AccountNamespaceId}", id="namespace, in a branch"),
        pytest.param(service(TaskDefinition=P), "{output.AccountTaskDefinitionArn}", id="task definition"),
        pytest.param(service(CapacityProviderStrategy=[{"CapacityProvider": P}]), "{output.AccountCapacityProviderName}", id="capacity provider of container instances"),
        pytest.param(service(NetworkConfiguration={"AwsvpcConfiguration": {"Subnets": {"Fn::Split": [",", P]}}}), "{output.AccountPrivateSubnetIds}", id="subnets as one text"),
        pytest.param(one("AWS::ElasticLoadBalancingV2::LoadBalancer", Subnets=[{"Fn::Select": [0, {"Fn::Split": [",", P]}]}]), "{output.AccountSubnetIds}", id="one of the subnets of a text"),
        pytest.param(one("AWS::ElasticLoadBalancingV2::LoadBalancer", Subnets=[P]), "{output.AccountSubnet1Id}", id="one subnet"),
        pytest.param(one("AWS::ApplicationAutoScaling::ScalableTarget", ResourceId={"Fn::Join": ["/", ["service", P, "web"]]}), "{output.AccountClusterName}", id="cluster in the id of a scalable target"),
        pytest.param(one("AWS::CloudWatch::Alarm", Dimensions=[{"Name": "TargetGroup", "Value": P}]), "{output.AccountTargetGroupFullName}", id="dimension of a metric"),
        pytest.param(one(GROUP, Protocol=P), "HTTP", id="protocol"),
        pytest.param(one("AWS::ECS::Cluster", ClusterName=P), "{prefix}", id="name of a cluster that the template creates"),
        pytest.param(one("AWS::CloudFormation::Stack", TemplateURL="missing.yaml", Parameters={"VpcId": P}), "{output.AccountVpcId}", id="a nested stack whose template is not here"),
        pytest.param(one("AWS::SNS::Topic", DisplayName=P), "{prefix}", id="nothing that is known"),
    ],
)
def test_a_parameter_gets_what_its_property_takes(folder: Path, resources: JsonObject, value: str) -> None:
    assert init(folder, resources, {"P": STRING}).stacks[-1].parameters == {"P": value}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "shop"
    home.mkdir()
    return home


def test_a_use_in_a_nested_stack_counts(folder: Path) -> None:
    (folder / "nested.json").write_text(json.dumps({"Parameters": {"Inner": STRING}, "Resources": one(RULE, ListenerArn={"Ref": "Inner"})}))

    plan = init(folder, one("AWS::CloudFormation::Stack", TemplateURL="nested.json", Parameters={"Inner": P}), {"P": STRING})

    assert plan.stacks[-1].parameters == {"P": "{output.AccountListenerArn}"}


def test_a_type_of_aws_says_more_than_a_use(folder: Path) -> None:
    plan = init(folder, one(RULE, ListenerArn=P), {"P": {"Type": "AWS::EC2::VPC::Id"}})

    assert plan.stacks[-1].parameters == {"P": "{output.AccountVpcId}"}


def test_two_target_groups_are_two(folder: Path) -> None:
    plan = init(folder, service(LoadBalancers=[{"TargetGroupArn": P}, {"TargetGroupArn": {"Ref": "Q"}, "ContainerPort": 9000}]), {"P": STRING, "Q": STRING})

    assert plan.stacks[-1].parameters == {"P": "{output.AccountTargetGroup1Arn}", "Q": "{output.AccountTargetGroup2Arn}"}
    assert account(folder)["Resources"]["TargetGroup2"]["Properties"]["Port"] == 9000


def test_two_security_groups_of_a_service_are_two(folder: Path) -> None:
    groups = [{"Fn::ImportValue": "app-group"}, {"Fn::ImportValue": "endpoint-group"}]

    init(folder, service(NetworkConfiguration={"AwsvpcConfiguration": {"SecurityGroups": groups}}))

    assert exports(folder) == {'"app-group"': {"Ref": "SecurityGroup"}, '"endpoint-group"': {"Ref": "SecurityGroup2"}}


def test_a_default_that_names_a_thing_of_another_account_is_replaced(folder: Path) -> None:
    listener = one("AWS::ElasticLoadBalancingV2::Listener", Certificates=[{"CertificateArn": P}])

    plan = init(folder, listener, {"P": {"Type": "String", "Default": "arn:aws:acm:us-east-1:111122223333:certificate/x"}})

    assert plan.stacks[-1].parameters == {"P": "{output.AccountCertificateArn}"}


def test_an_import_that_no_template_exports_is_exported_by_the_account(folder: Path) -> None:
    def imported(name: str) -> JsonObject:
        return {"Fn::ImportValue": {"Fn::Sub": f"${{Network}}-{name}"}}

    awsvpc = {"Subnets": [imported("SubnetOne"), imported("SubnetTwo")], "SecurityGroups": [imported("Group")]}
    plan = init(folder, service(Cluster=imported("C"), NetworkConfiguration={"AwsvpcConfiguration": awsvpc}), {"Network": STRING})

    assert plan.stacks[0].parameters == {"Prefix": "{prefix}"}
    assert exports(folder) == {
        '{"Fn::Sub": "${Prefix}-C"}': {"Ref": "Cluster"},
        '{"Fn::Sub": "${Prefix}-Group"}': {"Ref": "SecurityGroup"},
        '{"Fn::Sub": "${Prefix}-SubnetOne"}': {"Ref": "PrivateSubnet1"},
        '{"Fn::Sub": "${Prefix}-SubnetTwo"}': {"Ref": "PrivateSubnet2"},
    }


def test_an_import_in_an_output_is_exported_too(folder: Path) -> None:
    text = {"Resources": one("AWS::SNS::Topic"), "Outputs": {"O": {"Value": {"Fn::ImportValue": "shared-port"}}}}
    (folder / "app.json").write_text(json.dumps(text))

    assert cli.main(["init", str(folder)]) == 0
    assert exports(folder) == {'"shared-port"': "80"}


def test_an_import_of_a_branch_that_is_not_taken_is_not_exported(folder: Path) -> None:
    branch = {"Fn::If": ["Never", {"Fn::ImportValue": "x"}, "y"]}
    text = {"Conditions": {"Never": {"Fn::Equals": ["a", "b"]}}, "Resources": one("AWS::SNS::Topic", DisplayName=branch)}
    (folder / "app.json").write_text(json.dumps(text))

    assert cli.main(["init", str(folder)]) == 0
    assert not (folder / "preflight-account.yaml").exists()


def test_an_import_that_another_template_exports_is_left_to_it(folder: Path) -> None:
    network = {"Resources": one("AWS::EC2::VPC"), "Outputs": {"V": {"Value": {"Ref": "R"}, "Export": {"Name": "network-vpc"}}}}
    (folder / "network.json").write_text(json.dumps(network))

    init(folder, one("AWS::EC2::SecurityGroup", VpcId={"Fn::ImportValue": "network-vpc"}))

    assert not (folder / "preflight-account.yaml").exists()


def test_a_third_subnet_that_is_selected_is_there(folder: Path) -> None:
    subnets = [{"Fn::Select": [n, P]} for n in range(3)]

    init(folder, one("AWS::ElasticLoadBalancingV2::LoadBalancer", Subnets=subnets), {"P": {"Type": "List<AWS::EC2::Subnet::Id>"}})

    assert account(folder)["Outputs"]["AccountSubnetIds"]["Value"] == {"Fn::Sub": "${PublicSubnet1},${PublicSubnet2},${PublicSubnet3}"}


def test_a_region_has_no_more_subnets_than_zones(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-west-1")
    parameters = {name: {"Type": "AWS::EC2::Subnet::Id"} for name in "PQR"}

    plan = init(folder, one("AWS::ElasticLoadBalancingV2::LoadBalancer", Subnets=[{"Ref": name} for name in "PQR"]), parameters)

    assert plan.stacks[-1].parameters["R"] == "{output.AccountSubnet1Id}"


def test_a_container_is_called_what_its_service_calls_it(folder: Path) -> None:
    containers = [{"Name": P, "Image": "nginx", "PortMappings": [{"ContainerPort": {"Ref": "Q"}}]}]
    resources = {
        "T": {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": containers}},
        "S": {"Type": "AWS::ECS::Service", "Properties": {"TaskDefinition": {"Ref": "T"}, "LoadBalancers": [{"ContainerName": "web", "ContainerPort": 3000}]}},
    }

    assert init(folder, resources, {"P": STRING, "Q": STRING}).stacks[-1].parameters == {"P": "web", "Q": "3000"}


def test_a_service_names_a_container_that_there_is(folder: Path) -> None:
    balancers = [{"ContainerName": P, "ContainerPort": {"Ref": "Q"}}]
    resources = {"T": TASK, "S": {"Type": "AWS::ECS::Service", "Properties": {"TaskDefinition": {"Ref": "T"}, "LoadBalancers": balancers}}}

    assert init(folder, resources, {"P": STRING, "Q": STRING}).stacks[-1].parameters == {"P": "web", "Q": "3000"}


def test_a_container_is_called_what_another_depends_on(folder: Path) -> None:
    containers = [{"Name": P, "Image": "nginx"}, {"Name": "web", "Image": "nginx", "DependsOn": [{"ContainerName": "sidecar", "Condition": "START"}]}]

    plan = init(folder, one("AWS::ECS::TaskDefinition", ContainerDefinitions=containers), {"P": STRING})

    assert plan.stacks[-1].parameters == {"P": "sidecar"}


def test_the_hosted_zone_of_records_is_there(folder: Path) -> None:
    init(folder, one("AWS::Route53::RecordSet", HostedZoneName={"Fn::Sub": "${Domain}."}), {"Domain": {"Type": "String", "Default": "company.com"}})

    assert account(folder)["Resources"] == {"Zone1": {"Type": "AWS::Route53::HostedZone", "Properties": {"Name": "company.com"}}}


def test_a_hosted_zone_that_the_template_creates_is_not_there_before(folder: Path) -> None:
    zone = {"Z": {"Type": "AWS::Route53::HostedZone", "Properties": {"Name": "company.com"}}}

    init(folder, {**one("AWS::Route53::RecordSet", HostedZoneName="company.com."), **zone})

    assert not (folder / "preflight-account.yaml").exists()


def test_an_image_in_the_registry_of_another_account_is_replaced(folder: Path) -> None:
    task = one("AWS::ECS::TaskDefinition", ContainerDefinitions=[{"Name": "web", "Image": P}])

    plan = init(folder, task, {"P": {"Type": "String", "Default": "111122223333.dkr.ecr.region.amazonaws.com/image:tag"}})

    assert plan.stacks[-1].parameters == {"P": "public.ecr.aws/nginx/nginx:stable"}


def test_subnets_of_private_tasks_and_of_their_database_are_private(folder: Path) -> None:
    resources = {
        **service(NetworkConfiguration={"AwsvpcConfiguration": {"Subnets": P}}),
        "D": {"Type": "AWS::RDS::DBSubnetGroup", "Properties": {"SubnetIds": P}},
    }

    plan = init(folder, resources, {"P": {"Type": "List<AWS::EC2::Subnet::Id>"}})

    assert plan.stacks[-1].parameters == {"P": "{output.AccountPrivateSubnetIds}"}


def rule(port: object) -> JsonObject:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": "0.0.0.0/0"}


@pytest.mark.parametrize(
    ("rules", "ports"),
    [
        pytest.param([rule(80), rule({"Ref": "PortA"})], {"PortA": "8080"}, id="a plain port and a guess"),
        pytest.param([rule({"Ref": "PortA"}), rule({"Ref": "PortB"})], {"PortA": "8080", "PortB": "80"}, id="two guesses"),
        pytest.param([rule(80), {**rule({"Ref": "PortA"}), "CidrIp": "10.0.0.0/16"}], {"PortA": "80"}, id="two sources"),
    ],
)
def test_rules_of_a_group_are_different_permissions(folder: Path, rules: list[JsonObject], ports: dict[str, str]) -> None:
    group = one("AWS::EC2::SecurityGroup", GroupDescription="x", SecurityGroupIngress=rules)

    assert init(folder, group, {name: {"Type": "Number"} for name in ports}).stacks[-1].parameters == ports


@pytest.mark.parametrize(
    ("more", "has_instances"),
    [
        pytest.param({"LaunchType": "EC2"}, True, id="on EC2"),
        pytest.param({}, True, id="of no launch type, with nothing of Fargate"),
        pytest.param({"LaunchType": "FARGATE"}, False, id="on Fargate"),
    ],
)
def test_the_cluster_of_the_account_has_instances_if_services_run_on_them(folder: Path, more: JsonObject, *, has_instances: bool) -> None:
    resources = {**service(Cluster=P, TaskDefinition={"Ref": "Task"}, **more), "Task": TASK}

    init(folder, resources, {"P": STRING})

    kinds = {resource["Type"] for resource in account(folder)["Resources"].values()}
    assert ("AWS::ECS::CapacityProvider" in kinds) is has_instances


def test_what_runs_on_instances_of_the_account_is_left_out_with_the_plan_too(folder: Path) -> None:
    drafted = init(folder, {**service(Cluster=P, TaskDefinition={"Ref": "Task"}), "Task": TASK}, {"P": STRING})
    templates = {path: template.load(path, name=path.name) for path in (folder / "app.json", folder / "preflight-account.yaml")}

    left_out = ec2_workloads.left_out(resolved_stacks.of_plan(drafted, templates, run="r"))

    assert {document.name: set(names) for document, names in left_out.items()} == {"app.json": {"R", "Task"}}


def test_the_task_definition_of_the_account_has_the_containers_that_services_name(folder: Path) -> None:
    def registered(name: str, port: int) -> JsonObject:
        properties = {"TaskDefinition": {"Fn::ImportValue": name}, "LoadBalancers": [{"ContainerName": name, "ContainerPort": port, "TargetGroupArn": P}]}
        return {"Type": "AWS::ECS::Service", "Properties": properties}

    init(folder, {"A": registered("api", 8000), "B": registered("site", 3000)}, {"P": STRING})

    containers = account(folder)["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    assert {container["Name"]: container["PortMappings"] for container in containers} == {"api": [{"ContainerPort": 8000}], "site": [{"ContainerPort": 3000}]}


@pytest.mark.parametrize(
    "role",
    [
        pytest.param("ecsTaskExecutionRole", id="its name"),
        pytest.param({"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:role/ecsTaskExecutionRole"}, id="its ARN in this account"),
        pytest.param({"Fn::Join": ["", ["arn:aws:iam::", {"Ref": "AWS::AccountId"}, ":role/ecsTaskExecutionRole"]]}, id="its ARN in parts"),
    ],
)
def test_a_role_that_is_called_by_its_name_is_there(folder: Path, role: object) -> None:
    plan = init(folder, one("AWS::ECS::TaskDefinition", ExecutionRoleArn=role))

    assert account(folder)["Resources"]["NamedExecutionRole1"]["Properties"]["RoleName"] == "ecsTaskExecutionRole"
    assert plan.stacks[0].capabilities == ("CAPABILITY_NAMED_IAM",)


def test_a_role_that_the_template_creates_is_not_there_before(folder: Path) -> None:
    role = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "web"}}

    init(folder, {"Role": role, **one("AWS::ECS::TaskDefinition", TaskRoleArn="web")})

    assert not (folder / "preflight-account.yaml").exists()


@pytest.mark.parametrize("cluster", ["shop", {"Fn::Sub": "arn:aws:ecs:${AWS::Region}:${AWS::AccountId}:cluster/shop"}])
def test_a_cluster_that_is_called_by_its_name_is_there(folder: Path, cluster: object) -> None:
    init(folder, service(Cluster=cluster))

    assert account(folder)["Resources"]["NamedCluster1"]["Properties"]["ClusterName"] == "shop"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"Type": GROUP, "Properties": {"Name": {"Fn::Sub": "${P}-group"}}}, id="begins the name of what is created"),
        pytest.param({"Type": GROUP, "Properties": {"VpcId": {"Fn::ImportValue": {"Fn::Sub": "${P}-Vpc"}}}}, id="is in the name of an export"),
    ],
)
def test_a_cluster_whose_name_is_in_other_names_has_the_plain_name(folder: Path, other: JsonObject) -> None:
    plan = init(folder, {**service(Cluster=P), "Other": other}, {"P": STRING})

    assert plan.stacks[-1].parameters == {"P": "{prefix}"}
    assert account(folder)["Resources"]["NamedCluster1"]["Properties"]["ClusterName"] == {"Fn::Sub": "${Prefix}"}


def test_actions_and_resources_of_a_policy_have_their_form(folder: Path) -> None:
    document = {"Statement": [{"Effect": "Allow", "Action": P, "Resource": {"Ref": "BucketArn"}}]}

    plan = init(folder, one("AWS::IAM::Policy", PolicyName="p", PolicyDocument=document), {"P": STRING, "BucketArn": STRING})

    assert plan.stacks[-1].parameters == {"P": "s3:GetObject", "BucketArn": "arn:aws:s3:::{bucket}"}


def test_a_key_pair_by_default_is_one_of_another_account(folder: Path) -> None:
    plan = init(folder, one("AWS::SNS::Topic"), {"P": {"Type": "AWS::EC2::KeyPair::KeyName", "Default": "mine"}})

    assert plan.stacks[-1].parameters == {"P": "{output.AccountKeyPairName}"}


@pytest.mark.parametrize(
    ("default", "parameters"),
    [
        pytest.param("ENTER-YOUR-CERTIFICATE", {"P": "{output.AccountCertificateArn}"}, id="a placeholder"),
        pytest.param("", {}, id="none, which a condition may ask for"),
        pytest.param("{{resolve:ssm:/certificate}}", {}, id="one that is looked up"),
    ],
)
def test_a_default_that_its_property_does_not_take_is_replaced(folder: Path, default: str, parameters: dict[str, str]) -> None:
    listener = one("AWS::ElasticLoadBalancingV2::Listener", Certificates=[{"CertificateArn": P}])

    assert init(folder, listener, {"P": {"Type": "String", "Default": default}}).stacks[-1].parameters == parameters


IS_NONE = {"Fn::Equals": [P, "none"]}
CERTIFICATE = one("AWS::ElasticLoadBalancingV2::Listener", Certificates={"Fn::If": ["Is", {"Ref": "AWS::NoValue"}, [{"CertificateArn": P}]]})


@pytest.mark.parametrize(
    ("default", "condition"),
    [
        pytest.param("none", IS_NONE, id="Fn::Equals"),
        pytest.param("none", {"Fn::Equals": ["none", P]}, id="the text first"),
        pytest.param("none", {"Fn::Not": [{"Fn::Or": [IS_NONE, {"Fn::And": [IS_NONE, IS_NONE]}]}]}, id="within other functions"),
        pytest.param("NONE", {"Fn::Equals": [P, "NONE"]}, id="upper case"),
        pytest.param("N/A", {"Fn::Equals": [{"Fn::Sub": "${P}"}, "N/A"]}, id="the whole text of Fn::Sub"),
        pytest.param(False, {"Fn::Equals": [P, False]}, id="no text"),
    ],
)
def test_a_default_that_a_condition_compares_stays(folder: Path, default: object, condition: JsonObject) -> None:
    plan = init(folder, CERTIFICATE, {"P": {"Type": "String", "Default": default}}, Is=condition)

    assert plan.stacks[-1].parameters == {}
    assert not (folder / "preflight-account.yaml").exists()


def test_a_default_that_a_condition_of_a_nested_stack_compares_stays(folder: Path) -> None:
    nested = {"Parameters": {"P": STRING}, "Conditions": {"Is": IS_NONE}, "Resources": CERTIFICATE}
    (folder / "nested.json").write_text(json.dumps(nested))

    plan = init(folder, one("AWS::CloudFormation::Stack", TemplateURL="nested.json", Parameters={"P": P}), {"P": {"Type": "String", "Default": "none"}})

    assert plan.stacks[-1].parameters == {}


@pytest.mark.parametrize(
    ("declared", "condition", "value"),
    [
        pytest.param({"Type": "String", "Default": "none"}, {"Fn::Equals": [P, "NONE"]}, "{output.AccountVpcId}", id="another text, as case matters"),
        pytest.param({"Type": "String", "Default": "none"}, {"Fn::Equals": [{"Ref": "AWS::Region"}, "none"]}, "{output.AccountVpcId}", id="something else"),
        pytest.param({"Type": "AWS::EC2::VPC::Id", "Default": "none"}, IS_NONE, "{output.AccountVpcId}", id="a type whose values have to exist"),
    ],
)
def test_a_default_that_no_condition_makes_an_answer_is_replaced(folder: Path, declared: JsonObject, condition: JsonObject, value: str) -> None:
    plan = init(folder, one("AWS::EC2::SecurityGroup", VpcId=P), {"P": declared}, Is=condition)

    assert plan.stacks[-1].parameters == {"P": value}


def container(**properties: object) -> JsonObject:
    return one("AWS::ECS::TaskDefinition", ContainerDefinitions=[{"Name": "web", "Image": "nginx", **properties}])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("/shop/token", "/shop/token", id="a name"),
        pytest.param("token", "token", id="a name without a slash"),
        pytest.param("arn:aws:ssm:${AWS::Region}:${AWS::AccountId}:parameter/shop/token", "/shop/token", id="an ARN"),
        pytest.param("arn:aws:ssm:${AWS::Region}:${AWS::AccountId}:parameter/token", "/token", id="an ARN of one level"),
    ],
)
def test_a_parameter_of_the_account_is_there(folder: Path, text: str, name: str) -> None:
    init(folder, container(Secrets=[{"Name": "A", "ValueFrom": {"Fn::Sub": text}}]))

    assert account(folder)["Resources"]["NamedParameter1"]["Properties"]["Name"] == name


def test_a_secret_of_the_account_is_there_with_its_keys(folder: Path) -> None:
    arn = "arn:aws:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:shop/database:%s::"

    init(folder, container(Secrets=[{"Name": key, "ValueFrom": {"Fn::Sub": arn % key}} for key in ("user", "password")]))

    secret = account(folder)["Resources"]["NamedSecret1"]["Properties"]
    assert secret["Name"] == "shop/database"
    assert set(json.loads(secret["SecretString"])) == {"user", "password"}


@pytest.mark.parametrize(
    ("created", "text"),
    [
        pytest.param({"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/shop/token"}}, "/shop/token", id="a parameter"),
        pytest.param({"Type": "AWS::SSM::Parameter", "Properties": {"Name": "token"}}, "arn:aws:ssm:us-east-1:123456789012:parameter/token", id="a parameter without a slash, by its ARN"),
        pytest.param({"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/token"}}, "arn:aws:ssm:us-east-1:123456789012:parameter/token", id="a parameter with a slash, by its ARN"),
        pytest.param({"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "shop"}}, "/aws/reference/secretsmanager/shop", id="a secret as a parameter"),
        pytest.param({"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "shop"}}, "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop", id="a secret"),
    ],
)
def test_what_the_template_creates_is_not_there_before(folder: Path, created: JsonObject, text: str) -> None:
    init(folder, {"Other": created, **container(Secrets=[{"Name": "A", "ValueFrom": text}])})

    assert not (folder / "preflight-account.yaml").exists()


def test_a_default_that_its_own_pattern_excludes_is_replaced(folder: Path) -> None:
    zone = {"Type": "AWS::Route53::HostedZone::Id", "Default": "", "AllowedPattern": ".+"}

    assert init(folder, one("AWS::SNS::Topic"), {"P": zone}).stacks[-1].parameters == {"P": "{output.AccountHostedZoneId}"}


HERE = [{"Name": name, "Value": "us-east-1"} for name in ("REGION", "DEFAULT_REGION")]  # the region that the template names most often


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("/aws/service/ecs/agent", id="a public parameter"),
        pytest.param("/AWS/x", id="upper case"),
        pytest.param("awsToken", id="beginning with aws"),
        pytest.param("SSM-token", id="beginning with ssm"),
        pytest.param("arn:aws:ssm:us-east-1:123456789012:parameter/aws/service/x", id="the ARN of a public parameter"),
        pytest.param("shop/token", id="a path without a slash in front"),
        pytest.param("/a" * 16, id="too many levels"),
        pytest.param("a" * 1012, id="too long"),
        pytest.param("arn:aws:ssm:us-east-1:111122223333:parameter/token", id="a parameter of another account"),
        pytest.param("arn:aws:ssm:eu-west-1:123456789012:parameter/token", id="a parameter of another region"),
        pytest.param("arn:aws:secretsmanager:us-east-1:111122223333:secret:shop", id="a secret of another account"),
        pytest.param("arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop", id="a secret of another region"),
        pytest.param("arn:aws:s3:us-east-1:123456789012:parameter/token", id="another service"),
    ],
)
def test_what_the_account_cannot_have_is_not_there(folder: Path, text: str) -> None:
    init(folder, container(Secrets=[{"Name": "A", "ValueFrom": text}], Environment=HERE))

    assert not (folder / "preflight-account.yaml").exists()


@pytest.mark.parametrize(
    "resources",
    [
        pytest.param(one("AWS::ECS::TaskDefinition", TaskRoleArn="arn:aws:iam::111122223333:role/web"), id="a role"),
        pytest.param(service(Cluster="arn:aws:ecs:us-east-1:111122223333:cluster/shop", Tags=HERE), id="a cluster of another account"),
        pytest.param(service(Cluster="arn:aws:ecs:eu-west-1:123456789012:cluster/shop", Tags=HERE), id="a cluster of another region"),
    ],
)
def test_what_another_account_or_region_has_is_not_there(folder: Path, resources: JsonObject) -> None:
    init(folder, resources)

    assert not (folder / "preflight-account.yaml").exists()


@pytest.mark.parametrize("before", ["", "arn:aws:ssm:${AWS::Region}:${AWS::AccountId}:parameter"])
def test_a_secret_that_is_named_as_a_parameter_is_there(folder: Path, before: str) -> None:
    init(folder, container(Secrets=[{"Name": "A", "ValueFrom": {"Fn::Sub": f"{before}/aws/reference/secretsmanager/shop/database"}}]))

    assert {logical: resource["Properties"]["Name"] for logical, resource in account(folder)["Resources"].items()} == {"NamedSecret1": "shop/database"}


def test_a_parameter_by_its_name_and_by_its_arn_is_one(folder: Path) -> None:
    texts = ("arn:aws:ssm:${AWS::Region}:${AWS::AccountId}:parameter/token", "token")

    init(folder, container(Secrets=[{"Name": f"A{n}", "ValueFrom": {"Fn::Sub": text}} for n, text in enumerate(texts)]))

    assert [resource["Properties"]["Name"] for resource in account(folder)["Resources"].values()] == ["token"]


@pytest.mark.parametrize(
    ("registered", "containers"),
    [
        pytest.param([("web", 80), ("web", 443)], {"web": [80, 443]}, id="a container with two ports"),
        pytest.param([("web", 80), ("web", 80)], {"web": [80]}, id="one port twice"),
        pytest.param([("api", 65_535), ("web", 70_000)], {"api": [65_535]}, id="a port above the highest"),
        pytest.param([("on", 80), ("0123", 81)], {"on": [80], "0123": [81]}, id="names that YAML reads as something else"),
    ],
)
def test_a_container_of_the_account_has_every_port_that_is_registered(folder: Path, registered: list[tuple[str, int]], containers: dict[str, list[int]]) -> None:
    balancers = [{"ContainerName": name, "ContainerPort": port, "TargetGroupArn": "arn:x"} for name, port in registered]

    init(folder, service(TaskDefinition=P, LoadBalancers=balancers), {"P": STRING})

    definitions = account(folder)["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    assert {definition["Name"]: [mapping["ContainerPort"] for mapping in definition["PortMappings"]] for definition in definitions} == containers
