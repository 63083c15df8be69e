"""A template of what the stacks of a folder expect to be in the account already: a network, a cluster, a certificate. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

FILE = "preflight-account.yaml"
VPC, SUBNETS, PRIVATE_SUBNETS = "AccountVpcId", "AccountSubnetIds", "AccountPrivateSubnetIds"
SUBNET, PRIVATE_SUBNET = "AccountSubnet{}Id", "AccountPrivateSubnet{}Id"  # one of two, by number
SECURITY_GROUP, CLUSTER, CERTIFICATE = "AccountSecurityGroupId", "AccountClusterName", "AccountCertificateArn"
ZONE, SECRET, KEY = "AccountHostedZoneId", "AccountSecretArn", "AccountKeyArn"
HEAD = """\
# What the account has before these stacks are created, as far as they ask for it. Written by `preflight init`.
AWSTemplateFormatVersion: "2010-09-09"
Description: What the account already has
Resources:
"""


@dataclass(frozen=True)
class Part:
    """Resources in YAML, the outputs that they have, an example of each output's value, and the outputs they need."""

    resources: str
    outputs: Mapping[str, str]
    needs: tuple[str, ...] = ()
    samples: Mapping[str, str] = field(default_factory=dict)


_NETWORK = """\
  Vpc:
    Type: AWS::EC2::VPC
    Metadata: {guard: {SuppressedRules: [EC2_VPC_FLOW_LOGS], Reasons: {EC2_VPC_FLOW_LOGS: It stands for the network of the account.}}}
    Properties: {CidrBlock: 10.0.0.0/16, EnableDnsHostnames: true, EnableDnsSupport: true}
  InternetGateway:
    Type: AWS::EC2::InternetGateway
  Attachment:
    Type: AWS::EC2::VPCGatewayAttachment
    Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref InternetGateway}
  PublicRouteTable:
    Type: AWS::EC2::RouteTable
    Properties: {VpcId: !Ref Vpc}
  PublicRoute:
    Type: AWS::EC2::Route
    DependsOn: Attachment
    Properties: {RouteTableId: !Ref PublicRouteTable, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref InternetGateway}
"""
_SUBNET = """\
  {kind}Subnet{n}:
    Type: AWS::EC2::Subnet
    Properties: {{VpcId: !Ref Vpc, CidrBlock: 10.0.{block}.0/24, AvailabilityZone: !Select [{zone}, !GetAZs ""]}}
  {kind}Association{n}:
    Type: AWS::EC2::SubnetRouteTableAssociation
    Properties: {{SubnetId: !Ref {kind}Subnet{n}, RouteTableId: !Ref {kind}RouteTable}}
"""
_NAT = """\
  NatAddress:
    Type: AWS::EC2::EIP
    DependsOn: Attachment
    Properties: {Domain: vpc}
  NatGateway:
    Type: AWS::EC2::NatGateway
    DependsOn: PublicRoute
    Properties: {SubnetId: !Ref PublicSubnet1, AllocationId: !GetAtt NatAddress.AllocationId}
  PrivateRouteTable:
    Type: AWS::EC2::RouteTable
    Properties: {VpcId: !Ref Vpc}
  PrivateRoute:
    Type: AWS::EC2::Route
    Properties: {RouteTableId: !Ref PrivateRouteTable, DestinationCidrBlock: 0.0.0.0/0, NatGatewayId: !Ref NatGateway}
"""
_GROUP = """\
  SecurityGroup:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: Admits the internet on ports 80 and 443, and its own members
      VpcId: !Ref Vpc
      SecurityGroupIngress:
        - {IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: 0.0.0.0/0, Description: HTTP}
        - {IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 0.0.0.0/0, Description: HTTPS}
      SecurityGroupEgress:
        - {IpProtocol: "-1", CidrIp: 0.0.0.0/0, Description: Everything}
  SecurityGroupMembers:
    Type: AWS::EC2::SecurityGroupIngress
    Properties: {GroupId: !Ref SecurityGroup, SourceSecurityGroupId: !Ref SecurityGroup, IpProtocol: "-1", Description: Its members}
"""
_REPOSITORY = """\
  Repository{n}:
    Type: AWS::ECR::Repository
    Metadata: {{guard: {{SuppressedRules: [ECR_TAG_IMMUTABLE], Reasons: {{ECR_TAG_IMMUTABLE: It stands for a repository of the account.}}}}}}
    Properties:
      RepositoryName: "{name}"
      EmptyOnDelete: true
      ImageScanningConfiguration: {{ScanOnPush: true}}
      LifecyclePolicy: {{LifecyclePolicyText: '{lifecycle}'}}
"""
_LIFECYCLE = '{"rules":[{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":"imageCountMoreThan","countNumber":1},"action":{"type":"expire"}}]}'


def _subnets(kind: str, first: int) -> str:
    return "".join(_SUBNET.format(kind=kind, n=n + 1, zone=n, block=first + n) for n in range(2))


def _ids(kind: str) -> str:
    return f'!Sub "${{{kind}Subnet1}},${{{kind}Subnet2}}"'


def _each(name: str, kind: str) -> dict[str, str]:
    return {name.format(n): f"!Ref {kind}Subnet{n}" for n in (1, 2)}


_ARN = "arn:aws:{}:us-east-1:123456789012:{}"
_TWO_SUBNETS = "subnet-0123456789abcdef0,subnet-0123456789abcdef1"
PARTS = (
    Part(
        _NETWORK + _subnets("Public", 0),
        {VPC: "!Ref Vpc", SUBNETS: _ids("Public"), **_each(SUBNET, "Public")},
        (),
        {VPC: "vpc-0123456789abcdef0", SUBNETS: _TWO_SUBNETS, **dict.fromkeys(_each(SUBNET, ""), _TWO_SUBNETS[:24])},
    ),
    Part(
        _NAT + _subnets("Private", 10),
        {PRIVATE_SUBNETS: _ids("Private"), **_each(PRIVATE_SUBNET, "Private")},
        (VPC,),
        {PRIVATE_SUBNETS: _TWO_SUBNETS, **dict.fromkeys(_each(PRIVATE_SUBNET, ""), _TWO_SUBNETS[:24])},
    ),
    Part(_GROUP, {SECURITY_GROUP: "!Ref SecurityGroup"}, (VPC,), {SECURITY_GROUP: "sg-0123456789abcdef0"}),
    Part("  Cluster:\n    Type: AWS::ECS::Cluster\n", {CLUSTER: "!Ref Cluster"}, (), {CLUSTER: "cluster"}),
    Part(
        "  Certificate:\n    Type: AWS::CertificateManager::Certificate\n    Properties: {DomainName: example.com}\n",
        {CERTIFICATE: "!Ref Certificate"},
        (),
        {CERTIFICATE: _ARN.format("acm", "certificate/01234567-89ab-cdef-0123-456789abcdef")},
    ),
    Part("  Zone:\n    Type: AWS::Route53::HostedZone\n    Properties: {Name: example.com}\n", {ZONE: "!Ref Zone"}, (), {ZONE: "Z0123456789ABCDEFGHIJ"}),
    Part(
        "  Secret:\n    Type: AWS::SecretsManager::Secret\n    Properties: {GenerateSecretString: {}}\n",
        {SECRET: "!Ref Secret"},
        (),
        {SECRET: _ARN.format("secretsmanager", "secret:a-AbCdEf")},
    ),
    Part("  Key:\n    Type: AWS::KMS::Key\n    Properties: {EnableKeyRotation: true}\n", {KEY: "!GetAtt Key.Arn"}, (), {KEY: _ARN.format("kms", "key/0123")}),
)
SAMPLES = {name: sample for part in PARTS for name, sample in part.samples.items()}


def render(outputs: Collection[str], repositories: Collection[str]) -> str:
    """Returns the template with these outputs, and with these repositories; empty if it has nothing."""
    needs = set(outputs)
    for part in PARTS[::-1]:
        needs |= {need for need in part.needs if needs & set(part.outputs)}
    parts = [part for part in PARTS if needs & set(part.outputs)]
    if not parts and not repositories:
        return ""
    resources = "".join(part.resources for part in parts) + "".join(map(_repository, range(1, len(repositories) + 1), sorted(repositories)))
    listed = "".join(f"  {name}:\n    Value: {value}\n" for part in parts for name, value in part.outputs.items())
    return HEAD + resources + (f"Outputs:\n{listed}" if listed else "")


def _repository(n: int, name: str) -> str:
    return _REPOSITORY.format(n=n, name=name, lifecycle=_LIFECYCLE)
