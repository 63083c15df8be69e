"""Families of correct Fargate deployments pass, and a mistake in each is refused in the words of AWS."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest

from preflight.rehearsal.iam.roles import Roles

Template = dict[str, Any]
EXECUTION_ACTIONS = [
    "ecr:GetAuthorizationToken",
    "ecr:BatchCheckLayerAvailability",
    "ecr:GetDownloadUrlForLayer",
    "ecr:BatchGetImage",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
]


def properties(template: Template, name: str) -> dict[str, Any]:
    members: dict[str, Any] = template["Resources"][name].setdefault("Properties", {})
    return members


def put(template: Template, name: str, kind: str, *, needs: list[str] | None = None, **values: Any) -> None:
    template["Resources"][name] = {"Type": kind, "Properties": values, **({"DependsOn": needs} if needs else {})}


def private(template: Template) -> None:
    """The tasks have no public address."""
    properties(template, "Service")["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] = "DISABLED"


def behind_nat(template: Template) -> None:
    """Subnet A stays public and holds a NAT gateway; the tasks run in subnet B behind it."""
    private(template)
    put(template, "Address", "AWS::EC2::EIP", needs=["Attachment"], Domain="vpc")
    put(
        template,
        "Nat",
        "AWS::EC2::NatGateway",
        needs=["Route"],
        SubnetId={"Ref": "SubnetA"},
        AllocationId={"Fn::GetAtt": ["Address", "AllocationId"]},
    )
    put(template, "PrivateTable", "AWS::EC2::RouteTable", VpcId={"Ref": "Vpc"})
    put(
        template,
        "PrivateRoute",
        "AWS::EC2::Route",
        RouteTableId={"Ref": "PrivateTable"},
        DestinationCidrBlock="0.0.0.0/0",
        NatGatewayId={"Ref": "Nat"},
    )
    properties(template, "AssociationB")["RouteTableId"] = {"Ref": "PrivateTable"}
    properties(template, "Service")["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"] = [{"Ref": "SubnetB"}]
    template["Resources"]["Service"]["DependsOn"].append("PrivateRoute")


def with_endpoints(template: Template) -> None:
    """No way to the internet at all: an image of ECR, and endpoints for what Fargate calls."""
    private(template)
    for name in ("Route", "Gateway", "Attachment"):
        del template["Resources"][name]
    template["Resources"]["Service"]["DependsOn"] = ["AssociationA", "AssociationB", "Api", "Dkr", "LogsEndpoint", "S3"]
    put(template, "Repository", "AWS::ECR::Repository", RepositoryName="app", EmptyOnDelete=True)
    image = {"Fn::Sub": "${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/app:1"}
    properties(template, "Definition")["ContainerDefinitions"][0]["Image"] = image
    put(
        template,
        "EndpointGroup",
        "AWS::EC2::SecurityGroup",
        GroupDescription="endpoints",
        VpcId={"Ref": "Vpc"},
        SecurityGroupIngress=[{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "10.0.0.0/16"}],
    )
    for name, service in (("Api", "ecr.api"), ("Dkr", "ecr.dkr"), ("LogsEndpoint", "logs")):
        put(
            template,
            name,
            "AWS::EC2::VPCEndpoint",
            VpcId={"Ref": "Vpc"},
            VpcEndpointType="Interface",
            PrivateDnsEnabled=True,
            ServiceName={"Fn::Sub": f"com.amazonaws.${{AWS::Region}}.{service}"},
            SubnetIds=[{"Ref": "SubnetA"}, {"Ref": "SubnetB"}],
            SecurityGroupIds=[{"Ref": "EndpointGroup"}],
        )
    put(
        template,
        "S3",
        "AWS::EC2::VPCEndpoint",
        VpcId={"Ref": "Vpc"},
        ServiceName={"Fn::Sub": "com.amazonaws.${AWS::Region}.s3"},
        RouteTableIds=[{"Ref": "Table"}],
    )


def behind_balancer(template: Template) -> None:
    put(
        template,
        "Balancer",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        needs=["Attachment"],
        Subnets=[{"Ref": "SubnetA"}, {"Ref": "SubnetB"}],
        SecurityGroups=[{"Ref": "Group"}],
    )
    put(
        template,
        "Targets",
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        VpcId={"Ref": "Vpc"},
        Port=80,
        Protocol="HTTP",
        TargetType="ip",
        TargetGroupAttributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "10"}],
    )
    put(
        template,
        "Listener",
        "AWS::ElasticLoadBalancingV2::Listener",
        LoadBalancerArn={"Ref": "Balancer"},
        Port=80,
        Protocol="HTTP",
        DefaultActions=[{"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}],
    )
    properties(template, "Service")["LoadBalancers"] = [
        {"TargetGroupArn": {"Ref": "Targets"}, "ContainerName": "web", "ContainerPort": 80}
    ]
    template["Resources"]["Service"]["DependsOn"].append("Listener")


def on_spot(template: Template) -> None:
    put(
        template,
        "Providers",
        "AWS::ECS::ClusterCapacityProviderAssociations",
        Cluster={"Ref": "Cluster"},
        CapacityProviders=["FARGATE", "FARGATE_SPOT"],
        DefaultCapacityProviderStrategy=[{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}],
    )
    service = properties(template, "Service")
    del service["LaunchType"]
    service["CapacityProviderStrategy"] = [{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}]
    template["Resources"]["Service"]["DependsOn"].append("Providers")


def with_own_policy(template: Template) -> None:
    del properties(template, "Role")["ManagedPolicyArns"]
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": EXECUTION_ACTIONS, "Resource": "*"}],
    }
    put(template, "Policy", "AWS::IAM::Policy", PolicyName="p", PolicyDocument=document, Roles=[{"Ref": "Role"}])
    template["Resources"]["Service"]["DependsOn"].append("Policy")


def with_secret(template: Template) -> None:
    put(
        template,
        "Secret",
        "AWS::SecretsManager::Secret",
        GenerateSecretString={"SecretStringTemplate": '{"user": "a"}', "GenerateStringKey": "password"},
    )
    put(template, "Parameter", "AWS::SSM::Parameter", Name="/app/url", Type="String", Value="http://x")
    statement = [
        {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": {"Ref": "Secret"}},
        {
            "Effect": "Allow",
            "Action": "ssm:GetParameters",
            "Resource": {"Fn::Sub": "arn:aws:ssm:${AWS::Region}:${AWS::AccountId}:parameter/app/*"},
        },
    ]
    properties(template, "Role")["Policies"] = [
        {"PolicyName": "s", "PolicyDocument": {"Version": "2012-10-17", "Statement": statement}}
    ]
    properties(template, "Definition")["ContainerDefinitions"][0]["Secrets"] = [
        {"Name": "PASSWORD", "ValueFrom": {"Fn::Sub": "${Secret}:password::"}},
        {"Name": "URL", "ValueFrom": {"Ref": "Parameter"}},
    ]


def with_acl(template: Template) -> None:
    put(template, "Acl", "AWS::EC2::NetworkAcl", VpcId={"Ref": "Vpc"})
    for name, egress in (("AclIn", False), ("AclOut", True)):
        put(
            template,
            name,
            "AWS::EC2::NetworkAclEntry",
            NetworkAclId={"Ref": "Acl"},
            RuleNumber=100,
            Protocol=-1,
            RuleAction="allow",
            CidrBlock="0.0.0.0/0",
            Egress=egress,
        )
    for letter in "AB":
        put(
            template,
            f"Acl{letter}",
            "AWS::EC2::SubnetNetworkAclAssociation",
            SubnetId={"Ref": f"Subnet{letter}"},
            NetworkAclId={"Ref": "Acl"},
        )
        template["Resources"]["Service"]["DependsOn"].append(f"Acl{letter}")


def with_rules_apart(template: Template) -> None:
    del properties(template, "Group")["SecurityGroupIngress"]
    put(
        template,
        "In",
        "AWS::EC2::SecurityGroupIngress",
        GroupId={"Ref": "Group"},
        IpProtocol="tcp",
        FromPort=80,
        ToPort=80,
        CidrIp="0.0.0.0/0",
    )
    put(
        template,
        "Out",
        "AWS::EC2::SecurityGroupEgress",
        GroupId={"Ref": "Group"},
        IpProtocol="tcp",
        FromPort=443,
        ToPort=443,
        CidrIp="0.0.0.0/0",
    )
    template["Resources"]["Service"]["DependsOn"] += ["In", "Out"]


def discovered(template: Template) -> None:
    """Found by name in the VPC."""
    put(template, "Namespace", "AWS::ServiceDiscovery::PrivateDnsNamespace", Name="app.local", Vpc={"Ref": "Vpc"})
    records = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": 10}]}
    put(template, "Name", "AWS::ServiceDiscovery::Service", NamespaceId={"Ref": "Namespace"}, DnsConfig=records)
    properties(template, "Service")["ServiceRegistries"] = [{"RegistryArn": {"Fn::GetAtt": ["Name", "Arn"]}}]


def connected(template: Template) -> None:
    """Found by name through Service Connect."""
    put(template, "Namespace", "AWS::ServiceDiscovery::HttpNamespace", Name="app")
    properties(template, "Definition")["ContainerDefinitions"][0]["PortMappings"][0]["Name"] = "http"
    properties(template, "Service")["ServiceConnectConfiguration"] = {
        "Enabled": True,
        "Namespace": {"Fn::GetAtt": ["Namespace", "Arn"]},
        "Services": [{"PortName": "http", "ClientAliases": [{"Port": 80}]}],
    }


def scaled(template: Template) -> None:
    """As many tasks as the load asks for."""
    put(
        template,
        "Scalable",
        "AWS::ApplicationAutoScaling::ScalableTarget",
        ServiceNamespace="ecs",
        ScalableDimension="ecs:service:DesiredCount",
        ResourceId={"Fn::Sub": "service/${Cluster}/${Service.Name}"},
        MinCapacity=1,
        MaxCapacity=3,
        ScheduledActions=[
            {
                "ScheduledActionName": "night",
                "Schedule": "cron(0 22 * * ? *)",
                "ScalableTargetAction": {"MinCapacity": 0, "MaxCapacity": 1},
            }
        ],
    )
    put(
        template,
        "Scaling",
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        PolicyName="cpu",
        PolicyType="TargetTrackingScaling",
        ScalingTargetId={"Ref": "Scalable"},
        TargetTrackingScalingPolicyConfiguration={
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
            "TargetValue": 60,
        },
    )


def by_requests(label: Any) -> Callable[[Template], None]:
    def change(template: Template) -> None:
        metric = {"PredefinedMetricType": "ALBRequestCountPerTarget", **({"ResourceLabel": label} if label else {})}
        properties(template, "Scaling")["TargetTrackingScalingPolicyConfiguration"] = {
            "PredefinedMetricSpecification": metric,
            "TargetValue": 100,
        }

    return change


def scaled_by_requests(template: Template) -> None:
    behind_balancer(template)
    scaled(template)
    by_requests({"Fn::Sub": "${Balancer.LoadBalancerFullName}/${Targets.TargetGroupFullName}"})(template)


def logged(template: Template) -> None:
    """A load balancer with an access log, in a bucket that the region's account of load balancing may write to."""
    behind_balancer(template)
    put(template, "LogBucket", "AWS::S3::Bucket")
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::582318560864:root"},
        "Action": "s3:PutObject",
        "Resource": {"Fn::Sub": "${LogBucket.Arn}/web/AWSLogs/${AWS::AccountId}/*"},
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    put(template, "LogPolicy", "AWS::S3::BucketPolicy", Bucket={"Ref": "LogBucket"}, PolicyDocument=document)
    template["Resources"]["Balancer"]["DependsOn"].append("LogPolicy")
    values = {"enabled": "true", "bucket": {"Ref": "LogBucket"}, "prefix": "web"}
    attributes = [{"Key": f"access_logs.s3.{key}", "Value": value} for key, value in values.items()]
    properties(template, "Balancer")["LoadBalancerAttributes"] = attributes


def through_a_cache(template: Template) -> None:
    """The image comes from ECR Public at the first pull, into a repository that ECR makes."""
    put(
        template, "Cache", "AWS::ECR::PullThroughCacheRule", EcrRepositoryPrefix="cached", UpstreamRegistryUrl="public.ecr.aws"
    )
    image = {"Fn::Sub": "${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/cached/nginx/nginx:1"}
    properties(template, "Definition")["ContainerDefinitions"][0]["Image"] = image
    template["Resources"]["Service"]["DependsOn"].append("Cache")
    allowed = {"Effect": "Allow", "Action": ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"], "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [allowed]}
    properties(template, "Role")["Policies"] = [{"PolicyName": "cache", "PolicyDocument": document}]


def may_only_import(template: Template) -> None:
    policy = properties(template, "Role")["Policies"][0]["PolicyDocument"]
    policy["Statement"][0]["Action"] = ["ecr:BatchImportUpstreamImage"]


def with_a_template(template: Template) -> None:
    """ECR makes the repository by a template."""
    through_a_cache(template)
    may_only_import(template)
    applied = ["PULL_THROUGH_CACHE"]
    put(template, "Form", "AWS::ECR::RepositoryCreationTemplate", Prefix="cached", AppliedFor=applied)
    template["Resources"]["Service"]["DependsOn"].append("Form")


def by_the_registry(template: Template) -> None:
    """The policy of the registry lets the role import."""
    through_a_cache(template)
    del properties(template, "Role")["Policies"]
    statement = {
        "Sid": "import",
        "Effect": "Allow",
        "Principal": {"AWS": {"Fn::GetAtt": ["Role", "Arn"]}},
        "Action": ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"],
        "Resource": {"Fn::Sub": "arn:aws:ecr:${AWS::Region}:${AWS::AccountId}:repository/cached/*"},
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    put(template, "RegistryPolicy", "AWS::ECR::RegistryPolicy", PolicyText=document)
    template["Resources"]["Service"]["DependsOn"].append("RegistryPolicy")


def cached_in_private(template: Template) -> None:
    """Behind endpoints, and with a NAT gateway for the first pull."""
    behind_nat(template)
    through_a_cache(template)
    for name, service in (("Api", "ecr.api"), ("Dkr", "ecr.dkr")):
        put(
            template,
            name,
            "AWS::EC2::VPCEndpoint",
            VpcId={"Ref": "Vpc"},
            VpcEndpointType="Interface",
            PrivateDnsEnabled=True,
            ServiceName={"Fn::Sub": f"com.amazonaws.${{AWS::Region}}.{service}"},
            SubnetIds=[{"Ref": "SubnetB"}],
            SecurityGroupIds=[{"Ref": "Endpoints"}],
        )
        template["Resources"]["Service"]["DependsOn"].append(name)
    admitted = [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "10.0.0.0/16"}]
    put(
        template,
        "Endpoints",
        "AWS::EC2::SecurityGroup",
        GroupDescription="e",
        VpcId={"Ref": "Vpc"},
        SecurityGroupIngress=admitted,
    )


def without_nat(template: Template) -> None:
    """Logs go by an endpoint too, and so does what lies in S3; only the first pull would need the internet."""
    logs = template["Resources"]["Api"]["Properties"]
    service = {"Fn::Sub": "com.amazonaws.${AWS::Region}.logs"}
    put(template, "LogsEndpoint", "AWS::EC2::VPCEndpoint", **{**logs, "ServiceName": service})
    template["Resources"]["Service"]["DependsOn"].append("LogsEndpoint")
    gone("PrivateRoute", "Nat", "Address")(template)


def with_a_volume(template: Template) -> None:
    """ECS makes an EBS volume for each task, by a role that it may assume."""
    trust = {"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [trust]}
    put(template, "Infrastructure", "AWS::IAM::Role", AssumeRolePolicyDocument=document)
    definition = properties(template, "Definition")
    definition["Volumes"] = [{"Name": "data", "ConfiguredAtLaunch": True}]
    definition["ContainerDefinitions"][0]["MountPoints"] = [{"SourceVolume": "data", "ContainerPath": "/data"}]
    disk = {"RoleArn": {"Fn::GetAtt": ["Infrastructure", "Arn"]}, "SizeInGiB": 20}
    properties(template, "Service")["VolumeConfigurations"] = [{"Name": "data", "ManagedEBSVolume": disk}]


def proxy_logs(template: Template) -> None:
    """The proxy of Service Connect has a log of its own."""
    connected(template)
    log = properties(template, "Definition")["ContainerDefinitions"][0]["LogConfiguration"]
    properties(template, "Service")["ServiceConnectConfiguration"]["LogConfiguration"] = copy.deepcopy(log)


def log_of_proxy(template: Template) -> dict[str, Any]:
    connect = properties(template, "Service")["ServiceConnectConfiguration"]
    members: dict[str, Any] = connect["LogConfiguration"]["Options"]
    return members


FAMILIES = [
    pytest.param(lambda _template: None, id="public"),
    pytest.param(behind_nat, id="behind a NAT gateway"),
    pytest.param(with_endpoints, id="with VPC endpoints"),
    pytest.param(behind_balancer, id="behind a load balancer"),
    pytest.param(on_spot, id="on Fargate Spot"),
    pytest.param(with_own_policy, id="with a policy resource"),
    pytest.param(with_secret, id="with a secret and a parameter"),
    pytest.param(with_acl, id="with a network ACL"),
    pytest.param(with_rules_apart, id="with security group rules apart"),
    pytest.param(discovered, id="with a name in Cloud Map"),
    pytest.param(connected, id="with Service Connect"),
    pytest.param(scaled, id="with auto scaling"),
    pytest.param(scaled_by_requests, id="with auto scaling by requests"),
    pytest.param(logged, id="with an access log"),
    pytest.param(with_a_volume, id="with an EBS volume"),
    pytest.param(proxy_logs, id="with Service Connect, and a log of its proxy"),
    pytest.param(through_a_cache, id="through a cache"),
    pytest.param(with_a_template, id="through a cache, by a template"),
    pytest.param(by_the_registry, id="through a cache, by the policy of the registry"),
    pytest.param(cached_in_private, id="through a cache, by endpoints and a NAT gateway"),
]


def push(client: Callable[[str], Any], repository: str = "app") -> None:
    client("ecr").create_repository(repositoryName=repository)
    kind = "application/vnd.oci.image.manifest.v1+json"
    client("ecr").put_image(repositoryName=repository, imageTag="1", imageManifest=f'{{"mediaType": "{kind}"}}')


@pytest.mark.parametrize("family", FAMILIES)
def test_a_correct_family_is_created_and_deleted(
    fargate: Template,
    deploy: Callable[..., dict[str, Any]],
    client: Callable[[str], Any],
    account: Any,
    reasons: Any,
    family: Callable[[Template], None],
) -> None:
    family(fargate)
    if "Repository" in fargate["Resources"]:
        del fargate["Resources"]["Repository"]
        push(client)

    stack = deploy(json.dumps(fargate), Capabilities=["CAPABILITY_IAM"])

    ignored = [entry for entry in account.ledger.observations().ledger if entry.state == "ignored"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert reasons(stack) == []
    assert ignored == []
    assert account.ledger.troubles == []
    cloudformation = client("cloudformation")
    cloudformation.delete_stack(StackName="s")
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName="s", WaiterConfig={"Delay": 0.1, "MaxAttempts": 200}
    )


def gone(*names: str) -> Callable[[Template], None]:
    def change(template: Template) -> None:
        for name in names:
            del template["Resources"][name]
        for resource in template["Resources"].values():
            if isinstance(resource.get("DependsOn"), list):
                resource["DependsOn"] = [n for n in resource["DependsOn"] if n not in names]

    return change


def changed(name: str, **values: Any) -> Callable[[Template], None]:
    def change(template: Template) -> None:
        properties(template, name).update(values)

    return change


@pytest.mark.parametrize(
    ("family", "mistake", "expected"),
    [
        pytest.param(behind_nat, gone("PrivateRoute"), "did not stabilize", id="no route to the NAT gateway"),
        pytest.param(behind_nat, gone("Attachment", "Route"), "no Internet gateway attached", id="a NAT gateway without an internet gateway"),
        pytest.param(with_endpoints, gone("S3"), "did not stabilize", id="no endpoint for the layers"),
        pytest.param(with_endpoints, gone("Dkr"), "did not stabilize", id="no endpoint for the manifests"),
        pytest.param(with_endpoints, changed("EndpointGroup", SecurityGroupIngress=[]), "did not stabilize", id="endpoints that admit nobody"),
        pytest.param(with_endpoints, changed("Vpc", EnableDnsHostnames=False), "Enabling private DNS requires both", id="private names without DNS names"),
        pytest.param(behind_balancer, changed("Targets", TargetType="instance"), "incompatible with the awsvpc network mode", id="instances as targets"),
        pytest.param(behind_balancer, lambda t: t["Resources"]["Service"]["DependsOn"].remove("Listener"), "does not have an associated load balancer", id="a service before its listener"),
        pytest.param(behind_balancer, changed("Balancer", Subnets=[{"Ref": "SubnetA"}]), "two different Availability Zones", id="a balancer in one zone"),
        pytest.param(behind_balancer, lambda t: properties(t, "Service")["LoadBalancers"][0].update(ContainerPort=81), "did not have a container port 81", id="a port the container has not"),
        pytest.param(behind_balancer, lambda t: properties(t, "Service")["LoadBalancers"][0].update(ContainerName="x"), "The container x does not exist", id="a container there is not"),
        pytest.param(on_spot, gone("Providers"), "not associated with the cluster", id="a provider that is not the cluster's"),
        pytest.param(on_spot, changed("Service", LaunchType="FARGATE"), "both a launch type and capacity provider strategy", id="both ways to launch"),
        pytest.param(with_own_policy, gone("Policy"), "did not stabilize", id="no policy"),
        pytest.param(with_secret, lambda t: properties(t, "Role").pop("Policies"), "did not stabilize", id="no permission for the secret"),
        pytest.param(with_acl, gone("AclOut"), "did not stabilize", id="an ACL that lets nothing out"),
        pytest.param(with_rules_apart, changed("Out", FromPort=80, ToPort=80), "did not stabilize", id="HTTP out only"),
        pytest.param(discovered, lambda t: properties(t, "Name")["DnsConfig"].update(DnsRecords=[{"Type": "SRV", "TTL": 10}]), "DNS type SRV", id="SRV records without a port"),
        pytest.param(discovered, lambda t: properties(t, "Service").update(ServiceRegistries=[{"RegistryArn": "arn:aws:servicediscovery:ap-northeast-1:123456789012:service/srv-x"}]), "does not exist", id="a registry there is not"),
        pytest.param(connected, lambda t: properties(t, "Service")["ServiceConnectConfiguration"]["Services"][0].update(PortName="web"), "does not refer to any named PortMapping", id="a port name there is not"),
        pytest.param(connected, lambda t: properties(t, "Service")["ServiceConnectConfiguration"].update(Namespace="other"), "namespace wasn't found", id="a namespace there is not"),
        pytest.param(scaled, changed("Scalable", ResourceId={"Fn::Sub": "service/${Cluster}/other"}), "doesn't exist", id="a service to scale there is not"),
        pytest.param(scaled, changed("Scalable", MinCapacity=4), "cannot be less than minimum", id="a range that holds nothing"),
        pytest.param(scaled, lambda t: properties(t, "Scalable")["ScheduledActions"][0].update(Schedule="cron(0 22 * * *)"), "is invalid", id="a schedule of five fields"),
        pytest.param(scaled, lambda t: properties(t, "Scalable")["ScheduledActions"][0]["ScalableTargetAction"].update(MinCapacity=9), "cannot be less than minimum", id="a range of the night that holds nothing"),
        pytest.param(scaled, by_requests("web/targets"), "is not of the form", id="a label of names"),
        pytest.param(scaled, by_requests(None), "should be specified", id="requests without a label"),
        pytest.param(logged, gone("LogPolicy"), "Access Denied for bucket", id="a bucket without a policy that allows writing"),
        pytest.param(logged, lambda t: properties(t, "LogPolicy")["PolicyDocument"]["Statement"][0].update(Principal={"AWS": "127311923021"}), "Access Denied for bucket", id="a bucket for another region's load balancers"),
        pytest.param(logged, lambda t: properties(t, "LogPolicy")["PolicyDocument"]["Statement"][0].update(Resource={"Fn::Sub": "${LogBucket.Arn}/other/*"}), "Access Denied for bucket", id="a bucket with room for other logs"),
        pytest.param(logged, changed("LogBucket", BucketEncryption={"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}), "Access Denied for bucket", id="a bucket under a key of KMS"),
        pytest.param(with_a_volume, lambda t: properties(t, "Infrastructure")["AssumeRolePolicyDocument"]["Statement"][0].update(Principal={"Service": "ecs-tasks.amazonaws.com"}), "did not stabilize", id="a role for volumes that tasks assume"),
        pytest.param(proxy_logs, lambda t: log_of_proxy(t).update({"awslogs-group": "/nowhere"}), "did not stabilize", id="a proxy that logs to nowhere"),
        pytest.param(through_a_cache, gone("Cache"), "did not stabilize", id="a cache without a rule"),
        pytest.param(through_a_cache, changed("Cache", EcrRepositoryPrefix="cache"), "did not stabilize", id="a rule for another prefix"),
        pytest.param(through_a_cache, lambda t: properties(t, "Role").pop("Policies"), "did not stabilize", id="no right to import"),
        pytest.param(through_a_cache, may_only_import, "did not stabilize", id="no right to make the repository"),
        pytest.param(cached_in_private, without_nat, "did not stabilize", id="a first pull without a way to the internet"),
        pytest.param(lambda _t: None, changed("Route", GatewayId={"Ref": "Vpc"}), "does not exist", id="a route to no gateway"),
        pytest.param(lambda _t: None, changed("Logs", RetentionInDays=8), "RetentionInDays", id="a retention there is not"),
        pytest.param(lambda _t: None, changed("Logs", Retention=8), "extraneous key [Retention] is not permitted", id="an unknown property"),
        pytest.param(lambda _t: None, changed("SubnetB", CidrBlock="10.0.1.0/25"), "conflicts with another subnet", id="overlapping subnets"),
        pytest.param(lambda _t: None, changed("SubnetB", CidrBlock="192.168.0.0/24"), "is invalid", id="a subnet outside its VPC"),
        pytest.param(lambda _t: None, changed("Service", EnableExecuteCommand=True), "valid taskRoleArn", id="ECS Exec without a task role"),
        pytest.param(lambda _t: None, changed("Definition", Cpu="300"), "No Fargate configuration exists", id="a size there is not"),
    ],
)  # fmt: skip
def test_a_family_with_one_mistake_fails_with_its_reason(
    fargate: Template, deploy: Callable[..., dict[str, Any]], client: Callable[[str], Any], reasons: Any,
    family: Callable[[Template], None], mistake: Callable[[Template], None], expected: str,
) -> None:  # fmt: skip
    family(fargate)
    mistake(fargate)
    if fargate["Resources"].pop("Repository", None):
        push(client)

    stack = deploy(json.dumps(fargate), Capabilities=["CAPABILITY_IAM"])

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any(expected in reason for reason in reasons(stack)), reasons(stack)


def without_version(template: Template) -> None:
    policy = {
        "PolicyName": "p",
        "PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]},
    }
    properties(template, "Role")["Policies"] = [policy]


def with_stand_ins(template: Template) -> None:
    """Types that are not modelled, and others that use what they return."""
    put(template, "Files", "AWS::EFS::FileSystem", Encrypted=True)
    put(template, "Point", "AWS::EFS::AccessPoint", FileSystemId={"Ref": "Files"})
    put(template, "Queue", "AWS::SQS::Queue")
    put(template, "Own", "Custom::Own", ServiceToken={"Fn::GetAtt": ["Queue", "Arn"]})
    put(template, "Mesh", "AWS::AppMesh::Mesh")
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": [{"Fn::GetAtt": ["Queue", "Arn"]}, {"Ref": "Mesh"}]}],
    }
    put(template, "Policy", "AWS::IAM::Policy", PolicyName="q", PolicyDocument=document, Roles=[{"Ref": "Role"}])
    properties(template, "Definition")["Tags"] = [{"Key": "own", "Value": {"Fn::GetAtt": ["Own", "Anything"]}}]


def with_references(template: Template) -> None:
    template["Parameters"] = {"Cpu": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/app/cpu"}}
    properties(template, "Definition")["Cpu"] = {"Ref": "Cpu"}
    properties(template, "Definition")["Memory"] = "{{resolve:ssm:/app/memory}}"


def with_health(template: Template) -> None:
    properties(template, "Definition")["ContainerDefinitions"][0]["HealthCheck"] = {"Command": ["CMD", "true"]}


@pytest.mark.parametrize(
    "family",
    [
        pytest.param(without_version, id="an inline policy without a version"),
        pytest.param(with_stand_ins, id="types that are not modelled"),
        pytest.param(with_references, id="values of Systems Manager"),
        pytest.param(with_health, id="a health check that nothing runs"),
    ],
)
def test_a_correct_template_is_not_refused(
    fargate: Template,
    deploy: Callable[..., dict[str, Any]],
    client: Callable[[str], Any],
    reasons: Any,
    family: Callable[[Template], None],
) -> None:
    client("ssm").put_parameter(Name="/app/cpu", Type="String", Value="256")
    client("ssm").put_parameter(Name="/app/memory", Type="String", Value="512")
    family(fargate)

    stack = deploy(json.dumps(fargate), Capabilities=["CAPABILITY_IAM"])

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert reasons(stack) == []


@pytest.mark.parametrize(
    ("mistake", "expected"),
    [
        pytest.param(changed("Service", LaunchType="EC2"), "Assign public IP is not supported for this launch type", id="a public address on EC2"),
        pytest.param(lambda t: (changed("Service", LaunchType="EC2")(t), properties(t, "Service")["NetworkConfiguration"]["AwsvpcConfiguration"].pop("AssignPublicIp")), "did not stabilize", id="launched on EC2"),
        pytest.param(lambda t: properties(t, "Definition").update(Memory="{{resolve:ssm:/no/such}}"), "Could not resolve the dynamic reference", id="a reference to nothing"),
        pytest.param(lambda t: properties(t, "Definition").update(Volumes=[{"Name": "../../etc"}]), "Volume name", id="a volume that is a path"),
    ],
)  # fmt: skip
def test_a_mistake_that_depends_on_the_account_fails_with_its_reason(
    fargate: Template,
    deploy: Callable[..., dict[str, Any]],
    reasons: Any,
    mistake: Callable[[Template], None],
    expected: str,
) -> None:
    mistake(fargate)

    stack = deploy(json.dumps(fargate), Capabilities=["CAPABILITY_IAM"])

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any(expected in reason for reason in reasons(stack)), reasons(stack)


def test_a_transform_is_an_error_and_not_a_finding(fargate: Template, client: Callable[[str], Any], account: Any) -> None:
    fargate["Transform"] = "AWS::SecretsManager-2024-09-16"

    with pytest.raises(botocore.exceptions.ClientError, match="is not applied by the rehearsal"):
        client("cloudformation").create_stack(
            StackName="s", TemplateBody=json.dumps(fargate), Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
        )

    assert "is not applied" in account.ledger.troubles[0]


HOOKS = {
    "Transform": ["AWS::CodeDeployBlueGreen"],
    "Hooks": {"Hook": {"Type": "AWS::CodeDeploy::BlueGreen", "Properties": {}}},
    "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
}


def test_the_transform_of_blue_green_deployments_changes_nothing_of_a_new_stack(
    deploy: Callable[..., dict[str, Any]], client: Callable[[str], Any], account: Any
) -> None:
    stack = deploy(json.dumps(HOOKS), Capabilities=["CAPABILITY_AUTO_EXPAND"])
    assert stack["StackStatus"] == "CREATE_COMPLETE"

    with pytest.raises(botocore.exceptions.ClientError, match="AWS::CodeDeployBlueGreen is not applied"):
        client("cloudformation").update_stack(StackName=stack["StackId"], TemplateBody=json.dumps(HOOKS), Capabilities=["CAPABILITY_AUTO_EXPAND"])
    assert "is not applied" in account.ledger.troubles[0]


def test_the_default_vpc_has_a_route_to_the_internet(client: Callable[[str], Any]) -> None:
    ec2 = client("ec2")
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    gateways = ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc]}])
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]

    targets = [route.get("GatewayId") for table in tables for route in table["Routes"]]
    assert gateways["InternetGateways"][0]["InternetGatewayId"] in targets


def test_sizes_and_roles_are_read_back_in_another_spelling(
    fargate: Template, deploy: Callable[..., dict[str, Any]], account: Any
) -> None:
    properties(fargate, "Definition").update(Cpu=".25 vCPU", Memory="0.5 GB", ExecutionRoleArn={"Ref": "Role"})

    stack = deploy(json.dumps(fargate), Capabilities=["CAPABILITY_IAM"])

    account.parts.cloudformation.audit()
    states = {e.property: e.state for e in account.ledger.observations().ledger if e.resource == "s.Definition"}
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert set(states.values()) == {"stored"}


def in_ipv6(*, apart: bool) -> Template:
    """A group with one rule of its own for what goes out, in a VPC that has IPv6."""
    template: Template = {"Resources": {}}
    put(template, "Vpc", "AWS::EC2::VPC", CidrBlock="10.0.0.0/16")
    put(template, "Block", "AWS::EC2::VPCCidrBlock", VpcId={"Ref": "Vpc"}, AmazonProvidedIpv6CidrBlock=True)
    https: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0"}
    values: dict[str, Any] = {} if apart else {"SecurityGroupEgress": [https]}
    put(
        template,
        "Group",
        "AWS::EC2::SecurityGroup",
        needs=["Block"],
        GroupDescription="g",
        GroupName="own",
        VpcId={"Ref": "Vpc"},
        **values,
    )
    if apart:
        put(template, "Out", "AWS::EC2::SecurityGroupEgress", GroupId={"Ref": "Group"}, **https)
    return template


@pytest.mark.parametrize("apart", [pytest.param(False, id="inline"), pytest.param(True, id="apart")])
def test_an_egress_rule_replaces_the_default_egress_rules(
    client: Callable[[str], Any], deploy: Callable[..., dict[str, Any]], *, apart: bool
) -> None:
    deploy(json.dumps(in_ipv6(apart=apart)))
    named = [{"Name": "group-name", "Values": ["own"]}]
    rules = client("ec2").describe_security_groups(Filters=named)["SecurityGroups"][0]["IpPermissionsEgress"]

    assert [(rule["IpProtocol"], rule.get("ToPort"), rule["Ipv6Ranges"]) for rule in rules] == [("tcp", 443, [])]


def test_many_egress_rules_side_by_side_replace_the_default_rules_once(
    client: Callable[[str], Any], deploy: Callable[..., dict[str, Any]]
) -> None:
    template = in_ipv6(apart=True)
    group = {"Ref": "Group"}
    put(template, "All", "AWS::EC2::SecurityGroupEgress", GroupId=group, IpProtocol="-1", CidrIp="0.0.0.0/0")
    for port in range(8000, 8008):
        values = {"GroupId": group, "IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": "10.0.0.0/8"}
        put(template, f"Port{port}", "AWS::EC2::SecurityGroupEgress", needs=["All"] if port == 8000 else None, **values)
    deploy(json.dumps(template))
    named = [{"Name": "group-name", "Values": ["own"]}]
    rules = client("ec2").describe_security_groups(Filters=named)["SecurityGroups"][0]["IpPermissionsEgress"]

    assert sorted(rule.get("ToPort", 0) for rule in rules) == [0, 443, *range(8000, 8008)]


def test_a_group_without_egress_rules_allows_all_egress(
    client: Callable[[str], Any], deploy: Callable[..., dict[str, Any]]
) -> None:
    template = in_ipv6(apart=False)
    del properties(template, "Group")["SecurityGroupEgress"]
    deploy(json.dumps(template))
    named = [{"Name": "group-name", "Values": ["own"]}]
    rules = client("ec2").describe_security_groups(Filters=named)["SecurityGroups"][0]["IpPermissionsEgress"]

    assert {str(peer) for rule in rules for peer in [*rule["IpRanges"], *rule["Ipv6Ranges"]]} == {
        "{'CidrIp': '0.0.0.0/0'}",
        "{'CidrIpv6': '::/0'}",
    }


PARTITIONS = [
    pytest.param("us-gov-west-1", "arn:aws-us-gov:", id="GovCloud"),
    pytest.param("cn-north-1", "arn:aws-cn:", id="China"),
]


@pytest.mark.parametrize(("region", "start"), PARTITIONS)
def test_arns_have_the_partition_of_the_region(client: Callable[..., Any], region: str, start: str) -> None:
    template: Template = {"Resources": {}}
    put(template, "Logs", "AWS::Logs::LogGroup")
    put(template, "Bucket", "AWS::S3::Bucket")
    put(template, "Backup", "AWS::Backup::BackupVault", BackupVaultName="vault")
    arns = {name: {"Value": {"Fn::GetAtt": [name, "Arn"]}} for name in ("Logs", "Bucket")}
    arns["Backup"] = {"Value": {"Fn::GetAtt": ["Backup", "BackupVaultArn"]}}
    cloudformation = client("cloudformation", region)
    cloudformation.create_stack(StackName="p", TemplateBody=json.dumps({**template, "Outputs": arns}))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="p", WaiterConfig={"Delay": 0.1})
    outputs = cloudformation.describe_stacks(StackName="p")["Stacks"][0]["Outputs"]

    assert [o["OutputValue"] for o in outputs if not o["OutputValue"].startswith(start)] == []


@pytest.mark.parametrize(("region", "start"), PARTITIONS)
def test_a_denial_names_the_session_in_its_partition(account: Any, region: str, start: str) -> None:
    assert Roles(account.account).session("role/r", "t", region).startswith(f"{start}sts::")


@pytest.mark.parametrize("region", [pytest.param(p.values[0], id=p.id) for p in PARTITIONS])
def test_private_tasks_run_in_other_partitions(client: Callable[..., Any], root: Path, region: str) -> None:
    """Policies, endpoints and secrets by ARNs of the partition, and the pull of an image by its host."""
    push(lambda service: client(service, region), "web")
    body = (root / "tests/unit/artifact/rules/good/private-endpoints-image-given.yaml").read_text()
    cloudformation = client("cloudformation", region)
    cloudformation.create_stack(
        StackName="p",
        TemplateBody=body,
        Parameters=[{"ParameterKey": "ImageTag", "ParameterValue": "1"}],
        Capabilities=["CAPABILITY_IAM"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName="p", WaiterConfig={"Delay": 0.2})

    assert cloudformation.describe_stacks(StackName="p")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"


def guarded_by_default(template: Template) -> None:
    """Endpoints that name no security group."""
    with_endpoints(template)
    for name in ("Api", "Dkr", "LogsEndpoint"):
        del properties(template, name)["SecurityGroupIds"]
    del template["Resources"]["Repository"]


def test_a_vpc_endpoint_without_a_group_has_the_default_group(
    fargate: Template, deploy: Callable[..., dict[str, Any]], client: Callable[[str], Any]
) -> None:
    """It admits its own members alone, and the tasks are in another group."""
    guarded_by_default(fargate)
    push(client)
    deploy(json.dumps(fargate), Capabilities=["CAPABILITY_IAM"], OnFailure="DO_NOTHING")
    ecs = client("ecs")
    cluster = ecs.list_clusters()["clusterArns"][0]
    tasks = ecs.list_tasks(cluster=cluster, desiredStatus="STOPPED")["taskArns"]
    reason = ecs.describe_tasks(cluster=cluster, tasks=tasks[:1])["tasks"][0]["stoppedReason"]

    assert "pull registry auth from Amazon ECR: There is a connection issue" in reason


def test_tasks_in_the_default_group_reach_a_vpc_endpoint_in_it(
    fargate: Template, deploy: Callable[..., dict[str, Any]], client: Callable[[str], Any]
) -> None:
    guarded_by_default(fargate)
    push(client)
    own = {"Fn::GetAtt": ["Vpc", "DefaultSecurityGroup"]}
    properties(fargate, "Service")["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"] = [own]
    stack = deploy(json.dumps(fargate), Capabilities=["CAPABILITY_IAM"])

    assert stack["StackStatus"] == "CREATE_COMPLETE"
