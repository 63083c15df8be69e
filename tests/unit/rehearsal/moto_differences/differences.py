"""What AWS does, what bare moto does, and what the rehearsal does: one act each, run against both.

Each act returns in a word what came of it: `accepted`, the error code, or the status that a stack ended with.
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from preflight.system import waiting

Client = Callable[[str], Any]
Act = Callable[[Client], str]
DOCS = "https://docs.aws.amazon.com/"
EC2 = f"{DOCS}AWSEC2/latest/APIReference/"
CFN = f"{DOCS}AWSCloudFormation/latest/UserGuide/"
SCALING = f"{DOCS}autoscaling/application/APIReference/"
ELB = f"{DOCS}elasticloadbalancing/latest/APIReference/"
ECS = f"{DOCS}AmazonECS/latest/APIReference/"
PAGE = "a page of HTML"
GROUP = {"Type": "AWS::Logs::LogGroup"}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
STS = f"{DOCS}STS/latest/APIReference/"


@dataclass(frozen=True)
class Correction:
    """One behaviour: AWS's page, the place in moto, what moto answers today, and what the rehearsal answers."""

    behaviour: str
    source: str
    moto_file: str
    moto: str
    ours: str
    act: Act

    @property
    def id(self) -> str:
        """Name of the test."""
        return self.behaviour


def said(call: Callable[[], Any]) -> str:
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    except ResponseParserError:
        return PAGE
    return "accepted"


def name() -> str:
    return f"n{uuid.uuid4().hex[:12]}"


def vpc(client: Client, *, block: str = "10.0.0.0/16") -> str:
    return str(client("ec2").create_vpc(CidrBlock=block)["Vpc"]["VpcId"])


def subnet(client: Client, within: str, *, block: str = "10.0.1.0/24", zone: int = 0) -> str:
    ec2 = client("ec2")
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    made = ec2.create_subnet(VpcId=within, CidrBlock=block, AvailabilityZone=zones[zone]["ZoneName"])
    return str(made["Subnet"]["SubnetId"])


def gateway(client: Client, within: str | None = None) -> str:
    made = str(client("ec2").create_internet_gateway()["InternetGateway"]["InternetGatewayId"])
    if within:
        client("ec2").attach_internet_gateway(InternetGatewayId=made, VpcId=within)
    return made


def table(client: Client, within: str) -> str:
    return str(client("ec2").create_route_table(VpcId=within)["RouteTable"]["RouteTableId"])


def group(client: Client, within: str) -> str:
    return str(client("ec2").create_security_group(GroupName=name(), Description="d", VpcId=within)["GroupId"])


def route_to_unattached_gateway(client: Client) -> str:
    where = table(client, vpc(client))
    target = gateway(client)
    return said(
        lambda: client("ec2").create_route(RouteTableId=where, DestinationCidrBlock="0.0.0.0/0", GatewayId=target)
    )


def second_table(client: Client) -> str:
    within = vpc(client)
    place = subnet(client, within)
    client("ec2").associate_route_table(RouteTableId=table(client, within), SubnetId=place)
    other = table(client, within)
    return said(lambda: client("ec2").associate_route_table(RouteTableId=other, SubnetId=place))


def second_gateway(client: Client) -> str:
    within = vpc(client)
    gateway(client, within)
    other = gateway(client)
    return said(lambda: client("ec2").attach_internet_gateway(InternetGatewayId=other, VpcId=within))


def detach_while_mapped(client: Client) -> str:
    within = vpc(client)
    out = gateway(client, within)
    address = client("ec2").allocate_address(Domain="vpc")["AllocationId"]
    client("ec2").create_nat_gateway(SubnetId=subnet(client, within), AllocationId=address)
    return said(lambda: client("ec2").detach_internet_gateway(InternetGatewayId=out, VpcId=within))


def delete_group_in_use(client: Client) -> str:
    within = vpc(client)
    used = group(client, within)
    client("ec2").create_network_interface(SubnetId=subnet(client, within), Groups=[used])
    return said(lambda: client("ec2").delete_security_group(GroupId=used))


def delete_subnet_in_use(client: Client) -> str:
    place = subnet(client, vpc(client))
    client("ec2").create_network_interface(SubnetId=place)
    return said(lambda: client("ec2").delete_subnet(SubnetId=place))


def description_in_japanese(client: Client) -> str:
    within = vpc(client)
    return said(lambda: client("ec2").create_security_group(GroupName=name(), Description="タスク", VpcId=within))


def rule_to_another_network(client: Client) -> str:
    mine, other = group(client, vpc(client)), group(client, vpc(client))
    rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": other}]}
    return said(lambda: client("ec2").authorize_security_group_ingress(GroupId=mine, IpPermissions=[rule]))


def rule_of_an_application_protocol(client: Client) -> str:
    rule = {"IpProtocol": "http", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    own = group(client, vpc(client))
    return said(lambda: client("ec2").authorize_security_group_ingress(GroupId=own, IpPermissions=[rule]))


def endpoint(client: Client, **given: Any) -> str:
    region = client("ec2").meta.region_name
    asked = {"ServiceName": f"com.amazonaws.{region}.ecr.dkr", "VpcEndpointType": "Interface", **given}
    return said(lambda: client("ec2").create_vpc_endpoint(**asked))


def private_names_without_dns(client: Client) -> str:
    return endpoint(client, VpcId=vpc(client), PrivateDnsEnabled=True)


def two_endpoint_subnets_in_one_zone(client: Client) -> str:
    within = vpc(client)
    places = [subnet(client, within), subnet(client, within, block="10.0.2.0/24")]
    return endpoint(client, VpcId=within, SubnetIds=places, PrivateDnsEnabled=False)


def endpoint_of_another_region(client: Client) -> str:
    return endpoint(client, VpcId=vpc(client), ServiceName="com.amazonaws.sa-east-1.ecr.dkr")


def gateway_endpoint_of_ecr(client: Client) -> str:
    return endpoint(client, VpcId=vpc(client), VpcEndpointType="Gateway")


def groups_of_an_endpoint(client: Client) -> str:
    service = f"com.amazonaws.{client('ec2').meta.region_name}.ecr.dkr"
    made = client("ec2").create_vpc_endpoint(VpcId=vpc(client), ServiceName=service, VpcEndpointType="Interface")
    found = client("ec2").describe_vpc_endpoints(VpcEndpointIds=[made["VpcEndpoint"]["VpcEndpointId"]])
    ids = [g["GroupId"] for g in found["VpcEndpoints"][0].get("Groups") or []]
    named = client("ec2").describe_security_groups(GroupIds=ids)["SecurityGroups"] if ids else []
    return named[0]["GroupName"] if named else "none"


def log_into_a_closed_bucket(client: Client) -> str:
    within, bucket = vpc(client), name()
    gateway(client, within)
    places = [subnet(client, within, block=f"10.0.{n}.0/24", zone=n) for n in range(2)]
    made = client("elbv2").create_load_balancer(Name=name(), Subnets=places)["LoadBalancers"][0]
    region = client("s3").meta.region_name
    client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
    wanted = {"access_logs.s3.enabled": "true", "access_logs.s3.bucket": bucket}
    pairs = [{"Key": key, "Value": value} for key, value in wanted.items()]
    arn = made["LoadBalancerArn"]
    return said(lambda: client("elbv2").modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=pairs))


def scalable(*, resource: str = "table/t") -> dict[str, str]:
    return {
        "ServiceNamespace": "dynamodb",
        "ResourceId": resource,
        "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
    }


def range_that_holds_nothing(client: Client) -> str:
    scaling = client("application-autoscaling")
    return said(lambda: scaling.register_scalable_target(**scalable(), MinCapacity=5, MaxCapacity=2))


def schedule(client: Client, when: str, *, is_registered: bool = True) -> str:
    scaling, target = client("application-autoscaling"), scalable(resource=f"table/{name()}")
    if is_registered:
        scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=2)
    change = {"MinCapacity": 1, "MaxCapacity": 1}
    return said(
        lambda: scaling.put_scheduled_action(
            **target, ScheduledActionName=name(), Schedule=when, ScalableTargetAction=change
        )
    )


def cache(client: Client) -> str:
    return said(
        lambda: client("ecr").create_pull_through_cache_rule(
            ecrRepositoryPrefix=name(), upstreamRegistryUrl="public.ecr.aws"
        )
    )


def registry_policy(client: Client) -> str:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchImportUpstreamImage", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "import", **statement}]})
    return said(lambda: client("ecr").put_registry_policy(policyText=document))


def balancer(client: Client, *, zones: tuple[int, ...] = (0, 1), is_public: bool = True, called: str = "") -> str:
    within = vpc(client)
    if is_public:
        gateway(client, within)
    places = [subnet(client, within, block=f"10.0.{n}.0/24", zone=zone) for n, zone in enumerate(zones)]
    return said(lambda: client("elbv2").create_load_balancer(Name=called or name(), Subnets=places))


def balancer_attribute(client: Client, key: str, value: str) -> str:
    within = vpc(client)
    gateway(client, within)
    places = [subnet(client, within, block=f"10.0.{n}.0/24", zone=n) for n in range(2)]
    arn = client("elbv2").create_load_balancer(Name=name(), Subnets=places)["LoadBalancers"][0]["LoadBalancerArn"]
    pairs = [{"Key": key, "Value": value}]
    return said(lambda: client("elbv2").modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=pairs))


def group_attributes(client: Client, **values: str) -> str:
    """Attributes of a target group of HTTP; a double underscore stands for a dot."""
    given = {"Protocol": "HTTP", "Port": 80, "VpcId": vpc(client)}
    arn = client("elbv2").create_target_group(Name=name(), **given)["TargetGroups"][0]["TargetGroupArn"]
    pairs = [{"Key": key.replace("__", "."), "Value": value} for key, value in values.items()]
    return said(lambda: client("elbv2").modify_target_group_attributes(TargetGroupArn=arn, Attributes=pairs))


def listener(client: Client, *, protocol: str = "HTTP", is_elsewhere: bool = False) -> str:
    """A listener of HTTP that forwards to a target group."""
    within = vpc(client)
    gateway(client, within)
    places = [subnet(client, within, block=f"10.0.{n}.0/24", zone=n) for n in range(2)]
    made = client("elbv2").create_load_balancer(Name=name(), Subnets=places)
    arn = made["LoadBalancers"][0]["LoadBalancerArn"]
    where = vpc(client) if is_elsewhere else within
    kept = client("elbv2").create_target_group(Name=name(), Protocol=protocol, Port=80, VpcId=where, TargetType="ip")
    action = {"Type": "forward", "TargetGroupArn": kept["TargetGroups"][0]["TargetGroupArn"]}
    return said(
        lambda: client("elbv2").create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=[action])
    )


def trust(client: Client, **statement: Any) -> str:
    document = {"Version": "2012-10-17", "Statement": [{**TRUST["Statement"][0], **statement}]}  # type: ignore[dict-item]
    return said(lambda: client("iam").create_role(RoleName=name(), AssumeRolePolicyDocument=json.dumps(document)))


def role_with_a_long_name(client: Client) -> str:
    long = name() + "x" * 60
    return said(lambda: client("iam").create_role(RoleName=long, AssumeRolePolicyDocument=json.dumps(TRUST)))


def logs_under_a_key_that_is_not_theirs(client: Client) -> str:
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    return said(lambda: client("logs").create_log_group(logGroupName=name(), kmsKeyId=key))


def definition(client: Client, **changed: Any) -> str:
    container = {"name": "web", "image": "nginx", **changed.pop("container", {})}
    asked = {
        "family": name(),
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [container],
        **changed,
    }
    return said(lambda: client("ecs").register_task_definition(**asked))


def service_without_network(client: Client) -> str:
    cluster, family = name(), name()
    client("ecs").create_cluster(clusterName=cluster)
    client("ecs").register_task_definition(
        family=family,
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "web", "image": "nginx"}],
    )
    return said(
        lambda: client("ecs").create_service(
            cluster=cluster, serviceName=name(), taskDefinition=family, launchType="FARGATE", desiredCount=0
        )
    )


def unknown_task(client: Client) -> str:
    cluster = name()
    client("ecs").create_cluster(clusterName=cluster)
    answer = client("ecs").describe_tasks(cluster=cluster, tasks=["0" * 32])
    return str(answer["failures"][0]["reason"]) if answer["failures"] else "nothing"


def stack(client: Client, body: dict[str, Any] | str, **given: Any) -> str:
    """Create a stack; how it ended, or what was refused."""
    cloudformation = client("cloudformation")
    text = body if isinstance(body, str) else json.dumps(body)
    made: dict[str, Any] = {}
    refused = said(lambda: made.update(cloudformation.create_stack(StackName=name(), TemplateBody=text, **given)))
    return ended(client, made["StackId"]) if refused == "accepted" else refused


def ended(client: Client, stack_id: str) -> str:
    def probe() -> str | None:
        status = str(client("cloudformation").describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"])
        return None if status.endswith("_IN_PROGRESS") else status

    return waiting.until(probe, what="the stack", timeout=60, interval=0.02)


def resource(kind: str, **given: Any) -> dict[str, Any]:
    return {"Resources": {"A": {"Type": kind, "Properties": given}}}


def update_without_change(client: Client) -> str:
    called = name()
    client("cloudformation").create_stack(StackName=called, TemplateBody=json.dumps({"Resources": {"A": GROUP}}))
    ended(client, called)
    return said(
        lambda: client("cloudformation").update_stack(
            StackName=called, TemplateBody=json.dumps({"Resources": {"A": GROUP}})
        )
    )


def delete_protected(client: Client) -> str:
    called = name()
    client("cloudformation").create_stack(
        StackName=called, TemplateBody=json.dumps({"Resources": {"A": GROUP}}), EnableTerminationProtection=True
    )
    ended(client, called)
    return said(lambda: client("cloudformation").delete_stack(StackName=called))


def imports_unused(client: Client) -> str:
    return said(lambda: client("cloudformation").list_imports(ExportName=name()))


def default_egress(client: Client) -> str:
    """What a security group with an explicit egress rule lets out."""
    body = {
        "Resources": {
            "V": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
            "A": {
                "Type": "AWS::EC2::SecurityGroup",
                "Properties": {
                    "GroupName": name(),
                    "GroupDescription": "d",
                    "VpcId": {"Ref": "V"},
                    "SecurityGroupEgress": [
                        {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "10.0.0.0/8"}
                    ],
                },
            },
        }
    }
    called = name()
    client("cloudformation").create_stack(StackName=called, TemplateBody=json.dumps(body))
    ended(client, called)
    found = client("cloudformation").describe_stack_resource(StackName=called, LogicalResourceId="A")
    kept = client("ec2").describe_security_groups(GroupIds=[found["StackResourceDetail"]["PhysicalResourceId"]])
    rules = kept["SecurityGroups"][0]["IpPermissionsEgress"]
    return ", ".join(sorted(rule["IpProtocol"] for rule in rules))


def managed_policies(client: Client) -> str:
    """How many managed policies a role of a template has."""
    called, role = name(), name()
    given = {
        "RoleName": role,
        "AssumeRolePolicyDocument": TRUST,
        "ManagedPolicyArns": ["arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"],
    }
    client("cloudformation").create_stack(
        StackName=called,
        TemplateBody=json.dumps(resource("AWS::IAM::Role", **given)),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    ended(client, called)
    return str(len(client("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]))


ROUTES, GROUPS, VPCS = "ec2/models/route_tables.py", "ec2/models/security_groups.py", "ec2/models/vpcs.py"
PARSING, MODELS = "cloudformation/parsing.py", "cloudformation/models.py"
ELBV2, ECS_MODELS = "elbv2/models.py", "ecs/models.py"
SCALING_MODELS = "applicationautoscaling/models.py"
GATEWAYS = "ec2/models/internet_gateways.py"

def assume_nobody(client: Client) -> str:
    role = f"arn:aws:iam::123456789012:role/{uuid.uuid4()}"
    return said(lambda: client("sts").assume_role(RoleArn=role, RoleSessionName="session"))


def assume_by_unknown_token(client: Client) -> str:
    claims = {"iss": f"https://{uuid.uuid4()}.example", "sub": "x", "aud": "y", "exp": time.time() + 60}
    token = ".".join(["e30", base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("="), "c2ln"])
    given = {"RoleArn": f"arn:aws:iam::123456789012:role/{uuid.uuid4()}", "RoleSessionName": "session"}
    return said(lambda: client("sts").assume_role_with_web_identity(**given, WebIdentityToken=token))


def act_without_permission(client: Client) -> str:
    trusting = {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trusting]})
    role = client("iam").create_role(RoleName=str(uuid.uuid4()), AssumeRolePolicyDocument=document)["Role"]["Arn"]
    made = client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    session = boto3.Session(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    where = client("ecr").meta
    ecr = session.client("ecr", region_name=where.region_name, endpoint_url=where.endpoint_url)
    return said(ecr.describe_repositories)


def two_private_namespaces(client: Client) -> str:
    cloud_map, place = client("servicediscovery"), vpc(client)
    cloud_map.create_private_dns_namespace(Name="one.internal", Vpc=place)
    return said(lambda: cloud_map.create_private_dns_namespace(Name="two.internal", Vpc=place))


def zone_of_a_private_namespace(client: Client) -> str:
    place = vpc(client)
    client("servicediscovery").create_private_dns_namespace(Name="app.internal", Vpc=place)
    zones = client("route53").list_hosted_zones_by_vpc(VPCId=place, VPCRegion="ap-northeast-1")["HostedZoneSummaries"]
    return ", ".join(zone["Name"] for zone in zones) or "none"


SERVICES = (
    Correction(
        "two private namespaces of other names in one VPC",
        f"{DOCS}cloud-map/latest/api/API_CreatePrivateDnsNamespace.html",
        "servicediscovery/models.py",
        "ConflictingDomainExists",
        "accepted",
        two_private_namespaces,
    ),
    Correction(
        "the zone of a private namespace, among those of its VPC",
        f"{DOCS}cloud-map/latest/dg/working-with-namespaces.html",
        "servicediscovery/models.py",
        "none",
        "app.internal.",
        zone_of_a_private_namespace,
    ),
    Correction(
        "a route to an internet gateway that is not attached",
        f"{CFN}aws-attribute-dependson.html",
        ROUTES,
        "accepted",
        "InvalidParameterValue",
        route_to_unattached_gateway,
    ),
    Correction(
        "a subnet with two route tables",
        f"{EC2}errors-overview.html",
        ROUTES,
        "accepted",
        "Resource.AlreadyAssociated",
        second_table,
    ),
    Correction(
        "a second internet gateway on a VPC",
        f"{DOCS}vpc/latest/userguide/VPC_Internet_Gateway.html",
        GATEWAYS,
        "accepted",
        "InvalidParameterValue",
        second_gateway,
    ),
    Correction(
        "an internet gateway detached while public addresses are mapped",
        f"{DOCS}vpc/latest/userguide/VPC_Internet_Gateway.html",
        GATEWAYS,
        "accepted",
        "DependencyViolation",
        detach_while_mapped,
    ),
    Correction(
        "a security group deleted while an interface uses it",
        f"{DOCS}vpc/latest/userguide/deleting-security-groups.html",
        GROUPS,
        "accepted",
        "DependencyViolation",
        delete_group_in_use,
    ),
    Correction(
        "a subnet deleted while an interface is in it",
        f"{DOCS}vpc/latest/userguide/subnet-deleting.html",
        "ec2/models/subnets.py",
        "accepted",
        "DependencyViolation",
        delete_subnet_in_use,
    ),
    Correction(
        "the description of a security group beyond ASCII",
        f"{EC2}API_CreateSecurityGroup.html",
        GROUPS,
        "accepted",
        "InvalidParameterValue",
        description_in_japanese,
    ),
    Correction(
        "a security group rule that names a group of another VPC",
        f"{DOCS}vpc/latest/userguide/security-group-rules.html",
        GROUPS,
        "accepted",
        "InvalidGroup.NotFound",
        rule_to_another_network,
    ),
    Correction(
        "a security group rule of a protocol that EC2 does not know",
        f"{EC2}API_IpPermission.html",
        GROUPS,
        "accepted",
        "InvalidParameterValue",
        rule_of_an_application_protocol,
    ),
    Correction(
        "private DNS of an endpoint in a VPC without DNS host names",
        f"{DOCS}vpc/latest/privatelink/create-interface-endpoint.html",
        VPCS,
        "accepted",
        "InvalidParameter",
        private_names_without_dns,
    ),
    Correction(
        "an interface endpoint with two subnets in one zone",
        f"{DOCS}vpc/latest/privatelink/create-interface-endpoint.html",
        VPCS,
        "accepted",
        "DuplicateSubnetsInSameZone",
        two_endpoint_subnets_in_one_zone,
    ),
    Correction(
        "an endpoint of a service of another region",
        f"{EC2}API_CreateVpcEndpoint.html",
        VPCS,
        "accepted",
        "InvalidServiceName",
        endpoint_of_another_region,
    ),
    Correction(
        "a gateway endpoint of a service that has none",
        f"{EC2}API_CreateVpcEndpoint.html",
        VPCS,
        "accepted",
        "InvalidParameter",
        gateway_endpoint_of_ecr,
    ),
    Correction(
        "an application load balancer in one zone",
        f"{ELB}API_CreateLoadBalancer.html",
        ELBV2,
        "accepted",
        "ValidationError",
        lambda client: balancer(client, zones=(0,)),
    ),
    Correction(
        "an application load balancer with two subnets of one zone",
        f"{ELB}API_CreateLoadBalancer.html",
        ELBV2,
        "accepted",
        "InvalidConfigurationRequest",
        lambda client: balancer(client, zones=(0, 0)),
    ),
    Correction(
        "a load balancer that faces the internet in a VPC without a gateway",
        f"{ELB}API_CreateLoadBalancer.html",
        ELBV2,
        "accepted",
        "InvalidSubnet",
        lambda client: balancer(client, is_public=False),
    ),
    Correction(
        "a load balancer with an underscore in its name",
        f"{ELB}API_CreateLoadBalancer.html",
        ELBV2,
        "accepted",
        "ValidationError",
        lambda client: balancer(client, called=f"a_{name()}"),
    ),
    Correction(
        "an idle timeout of more than 4000 seconds",
        f"{ELB}API_LoadBalancerAttribute.html",
        ELBV2,
        "accepted",
        "ValidationError",
        lambda client: balancer_attribute(client, "idle_timeout.timeout_seconds", "4001"),
    ),
    Correction(
        "stickiness with the algorithm weighted_random",
        f"{ELB}API_TargetGroupAttribute.html",
        ELBV2,
        "accepted",
        "InvalidConfigurationRequest",
        lambda client: group_attributes(
            client, stickiness__enabled="true", load_balancing__algorithm__type="weighted_random"
        ),
    ),
    Correction(
        "a listener that forwards to a target group of another VPC",
        f"{ELB}API_CreateListener.html",
        ELBV2,
        "accepted",
        "InvalidConfigurationRequest",
        lambda client: listener(client, is_elsewhere=True),
    ),
    Correction(
        "a listener of HTTP that forwards to a target group of TCP",
        f"{ELB}API_CreateListener.html",
        ELBV2,
        "accepted",
        "IncompatibleProtocols",
        lambda client: listener(client, protocol="TCP"),
    ),
    Correction(
        "a trust policy with a resource",
        f"{DOCS}IAM/latest/UserGuide/reference_policies_elements_principal.html",
        "iam/policy_validation.py",
        "accepted",
        "MalformedPolicyDocument",
        lambda client: trust(client, Resource="*"),
    ),
    Correction(
        "a trust policy for a service that is none",
        f"{DOCS}IAM/latest/UserGuide/reference_policies_elements_principal.html",
        "iam/policy_validation.py",
        "accepted",
        "MalformedPolicyDocument",
        lambda client: trust(client, Principal={"Service": "ecs-tasks"}),
    ),
    Correction(
        "a role with a name of more than 64 characters",
        f"{DOCS}IAM/latest/APIReference/API_CreateRole.html",
        "iam/models.py",
        "accepted",
        "ValidationError",
        role_with_a_long_name,
    ),
    Correction(
        "a log group under a key whose policy does not let CloudWatch Logs use it",
        f"{DOCS}AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html",
        "logs/models.py",
        "accepted",
        "InvalidParameterException",
        logs_under_a_key_that_is_not_theirs,
    ),
    Correction(
        "a pair of CPU and memory that Fargate has not",
        f"{ECS}API_RegisterTaskDefinition.html",
        ECS_MODELS,
        "accepted",
        "ClientException",
        lambda client: definition(client, memory="9999"),
    ),
    Correction(
        "a Fargate task in bridge mode",
        f"{ECS}API_RegisterTaskDefinition.html",
        ECS_MODELS,
        "accepted",
        "ClientException",
        lambda client: definition(client, networkMode="bridge"),
    ),
    Correction(
        "a privileged container on Fargate",
        f"{ECS}API_ContainerDefinition.html",
        ECS_MODELS,
        "accepted",
        "ClientException",
        lambda client: definition(client, container={"privileged": True}),
    ),
    Correction(
        "a service of awsvpc without a network configuration",
        f"{ECS}API_CreateService.html",
        ECS_MODELS,
        "accepted",
        "InvalidParameterException",
        service_without_network,
    ),
    Correction(
        "DescribeTasks of a task that does not exist",
        f"{ECS}API_DescribeTasks.html",
        ECS_MODELS,
        "nothing",
        "MISSING",
        unknown_task,
    ),
    Correction(
        "the security group of an interface endpoint that names none",
        f"{EC2}API_CreateVpcEndpoint.html",
        "ec2/models/vpcs.py",
        "none",
        "default",
        groups_of_an_endpoint,
    ),
    Correction(
        "an access log into a bucket that does not take it",
        f"{DOCS}elasticloadbalancing/latest/application/enable-access-logging.html",
        ELBV2,
        "accepted",
        "InvalidConfigurationRequest",
        log_into_a_closed_bucket,
    ),
    Correction(
        "a scalable target whose minimum is above its maximum",
        f"{SCALING}API_RegisterScalableTarget.html",
        SCALING_MODELS,
        "accepted",
        "ValidationException",
        range_that_holds_nothing,
    ),
    Correction(
        "a schedule of five fields",
        f"{SCALING}API_PutScheduledAction.html",
        SCALING_MODELS,
        "accepted",
        "ValidationException",
        lambda client: schedule(client, "cron(0 22 * * *)"),
    ),
    Correction(
        "a scheduled action for what is not registered",
        f"{SCALING}API_PutScheduledAction.html",
        SCALING_MODELS,
        "accepted",
        "ObjectNotFoundException",
        lambda client: schedule(client, "cron(0 22 * * ? *)", is_registered=False),
    ),
    Correction(
        "a pull-through cache",
        f"{DOCS}AmazonECR/latest/APIReference/API_CreatePullThroughCacheRule.html",
        "ecr/models.py",
        "500",
        "accepted",
        cache,
    ),
    Correction(
        "a registry's policy that allows an import",
        f"{DOCS}AmazonECR/latest/userguide/registry-permissions.html",
        "ecr/models.py",
        "InvalidParameterException",
        "accepted",
        registry_policy,
    ),
    Correction(
        "a role is assumed that does not exist",
        f"{STS}API_AssumeRole.html",
        "sts/models.py",
        "accepted",
        "AccessDenied",
        assume_nobody,
    ),
    Correction(
        "a token of a provider that the account does not have",
        f"{STS}API_AssumeRoleWithWebIdentity.html",
        "sts/responses.py",
        "accepted",
        "InvalidIdentityToken",
        assume_by_unknown_token,
    ),
    Correction(
        "a role asks for what no policy allows",
        f"{DOCS}IAM/latest/UserGuide/reference_policies_evaluation-logic.html",
        "core/responses.py",
        "accepted",
        "AccessDeniedException",
        act_without_permission,
    ),
)

ENGINE = (
    Correction(
        "a resource type that does not exist",
        f"{CFN}troubleshooting.html",
        PARSING,
        PAGE,
        "ValidationError",
        lambda client: stack(client, {"Resources": {"A": GROUP, "B": {"Type": "AWS::ECS::Servcie"}}}),
    ),
    Correction(
        "a property that does not exist",
        f"{CFN}validate-stack-deployments.html",
        PARSING,
        "CREATE_COMPLETE",
        "ROLLBACK_COMPLETE",
        lambda client: stack(client, resource("AWS::Logs::LogGroup", LogGroupName=name(), Nmae="x")),
    ),
    Correction(
        "a value outside its enumeration",
        f"{CFN}validate-stack-deployments.html",
        PARSING,
        "CREATE_COMPLETE",
        "ROLLBACK_COMPLETE",
        lambda client: stack(client, resource("AWS::Logs::LogGroup", LogGroupName=name(), RetentionInDays=8)),
    ),
    Correction(
        "a template whose YAML is not well-formed",
        f"{CFN}template-formats.html",
        MODELS,
        PAGE,
        "ValidationError",
        lambda client: stack(client, "Resources: {A: ["),
    ),
    Correction(
        "a reference to nothing",
        f"{CFN}troubleshooting.html",
        PARSING,
        PAGE,
        "ValidationError",
        lambda client: stack(client, resource("AWS::Logs::LogGroup", LogGroupName={"Ref": "Nothing"})),
    ),
    Correction(
        "an empty section of resources",
        f"{CFN}resources-section-structure.html",
        MODELS,
        "CREATE_COMPLETE",
        "ValidationError",
        lambda client: stack(client, {"Resources": {}}),
    ),
    Correction(
        "a logical id with a hyphen",
        f"{CFN}resources-section-structure.html",
        MODELS,
        "CREATE_COMPLETE",
        "ValidationError",
        lambda client: stack(client, {"Resources": {"a-b": GROUP}}),
    ),
    Correction(
        "a value that is not among AllowedValues",
        f"{CFN}parameters-section-structure.html",
        PARSING,
        "CREATE_COMPLETE",
        "ValidationError",
        lambda client: stack(
            client,
            {"Parameters": {"P": {"Type": "String", "AllowedValues": ["a"]}}, "Resources": {"A": GROUP}},
            Parameters=[{"ParameterKey": "P", "ParameterValue": "b"}],
        ),
    ),
    Correction(
        "a value for a parameter that is not declared",
        f"{CFN}parameters-section-structure.html",
        PARSING,
        "CREATE_COMPLETE",
        "ValidationError",
        lambda client: stack(
            client, {"Resources": {"A": GROUP}}, Parameters=[{"ParameterKey": "P", "ParameterValue": "b"}]
        ),
    ),
    Correction(
        "a rule whose assertion does not hold",
        f"{CFN}rules-section-structure.html",
        MODELS,
        "CREATE_COMPLETE",
        "ValidationError",
        lambda client: stack(
            client,
            {
                "Rules": {"R": {"Assertions": [{"Assert": {"Fn::Equals": ["a", "b"]}}]}},
                "Resources": {"A": GROUP},
            },
        ),
    ),
    Correction(
        "an IAM role without a capability",
        f"{CFN}using-iam-template.html",
        "cloudformation/responses.py",
        "CREATE_COMPLETE",
        "InsufficientCapabilitiesException",
        lambda client: stack(client, resource("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST)),
    ),
    Correction(
        "a template of more than 51,200 bytes in the request",
        f"{CFN}cloudformation-limits.html",
        "cloudformation/responses.py",
        "CREATE_COMPLETE",
        "ValidationError",
        lambda client: stack(client, {"Metadata": {"x": "y" * 52_000}, "Resources": {"A": GROUP}}),
    ),
    Correction(
        "an update that changes nothing",
        f"{CFN}troubleshooting.html",
        MODELS,
        "accepted",
        "ValidationError",
        update_without_change,
    ),
    Correction(
        "a protected stack that is deleted",
        f"{CFN}using-cfn-protect-stacks.html",
        MODELS,
        "accepted",
        "ValidationError",
        delete_protected,
    ),
    Correction(
        "ListImports of an export without imports",
        f"{DOCS}AWSCloudFormation/latest/APIReference/API_ListImports.html",
        "cloudformation/responses.py",
        PAGE,
        "ValidationError",
        imports_unused,
    ),
    Correction(
        "an explicit egress rule takes the default one away",
        f"{CFN}aws-properties-ec2-security-group.html",
        GROUPS,
        "-1",
        "tcp",
        default_egress,
    ),
    Correction(
        "the managed policies of a role in a template",
        f"{DOCS}AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html",
        "iam/models.py",
        "0",
        "1",
        managed_policies,
    ),
)
ALL = (*SERVICES, *ENGINE)
