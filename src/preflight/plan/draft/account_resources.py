"""The resources that an account's template may have, in YAML, with their outputs. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

VPC, SUBNETS, PRIVATE_SUBNETS = "AccountVpcId", "AccountSubnetIds", "AccountPrivateSubnetIds"
SUBNET, PRIVATE_SUBNET = "AccountSubnet{s}Id", "AccountPrivateSubnet{s}Id"  # one of several, by number
SECURITY_GROUP, CERTIFICATE = "AccountSecurityGroup{g}Id", "AccountCertificateArn"  # the first group has no number
FIRST_SECURITY_GROUP = SECURITY_GROUP.replace("{g}", "")
CLUSTER, CLUSTER_ARN = "AccountClusterName", "AccountClusterArn"
CAPACITY_PROVIDER = "AccountCapacityProviderName"  # of container instances
ZONE, SECRET, KEY = "AccountHostedZoneId", "AccountSecretArn", "AccountKeyArn"
TARGET_GROUP, TARGET_GROUP_FULL_NAME, LISTENER = "AccountTargetGroup{t}Arn", "AccountTargetGroupFullName", "AccountListenerArn"
BALANCER, BALANCER_NAME = "AccountLoadBalancerArn", "AccountLoadBalancerDnsName"
BALANCER_ZONE, BALANCER_FULL_NAME = "AccountLoadBalancerZoneId", "AccountLoadBalancerFullName"
EXECUTION_ROLE, EXECUTION_ROLE_NAME = "AccountExecutionRoleArn", "AccountExecutionRoleName"
TASK_ROLE, TASK_ROLE_NAME, SERVICE_ROLE = "AccountTaskRoleArn", "AccountTaskRoleName", "AccountServiceRoleArn"
FILE_SYSTEM, ACCESS_POINT = "AccountFileSystemId", "AccountAccessPointId"
NAMESPACE, NAMESPACE_ARN, REGISTRY = "AccountNamespaceId", "AccountNamespaceArn", "AccountRegistryArn"
LOG_GROUP, BUCKET, TOPIC, QUEUE = "AccountLogGroupName", "AccountBucketName", "AccountTopicArn", "AccountQueueUrl"
KEY_PAIR = "AccountKeyPairName"
TASK_DEFINITION = "AccountTaskDefinitionArn"
DOMAIN = "example.com"  # of the hosted zone and the certificate
MOST_TARGET_GROUPS, MOST_SECURITY_GROUPS = 4, 4
MOST_SUBNETS = 3  # zones that every region but us-west-1 has for every account


@dataclass(frozen=True)
class Part:
    """Resources in YAML, the outputs that they have, an example of each output's value, and the outputs they need."""

    resources: str
    outputs: Mapping[str, str]
    needs: tuple[str, ...] = ()
    samples: Mapping[str, str] = field(default_factory=dict)


def waived(*rules: str) -> str:
    """Returns the metadata that waives rules for something that is only a stand-in."""
    reason = "It stands for what the account has."
    return f"    Metadata: {{guard: {{SuppressedRules: [{', '.join(rules)}], Reasons: {{{', '.join(f'{rule}: {reason}' for rule in rules)}}}}}}}\n"


_NETWORK = f"""\
  Vpc:
    Type: AWS::EC2::VPC
{waived("EC2_VPC_FLOW_LOGS")}\
    Properties: {{CidrBlock: 10.0.0.0/16, EnableDnsHostnames: true, EnableDnsSupport: true}}
  InternetGateway:
    Type: AWS::EC2::InternetGateway
  Attachment:
    Type: AWS::EC2::VPCGatewayAttachment
    Properties: {{VpcId: !Ref Vpc, InternetGatewayId: !Ref InternetGateway}}
  PublicRouteTable:
    Type: AWS::EC2::RouteTable
    Properties: {{VpcId: !Ref Vpc}}
  PublicRoute:
    Type: AWS::EC2::Route
    DependsOn: Attachment
    Properties: {{RouteTableId: !Ref PublicRouteTable, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref InternetGateway}}
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
  SecurityGroup{n}:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: Admits the internet on ports 80 and 443, and the VPC
      VpcId: !Ref Vpc
      SecurityGroupIngress:
        - {{IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: 0.0.0.0/0, Description: HTTP}}
        - {{IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 0.0.0.0/0, Description: HTTPS}}
        - {{IpProtocol: "-1", CidrIp: 10.0.0.0/16, Description: The VPC}}
      SecurityGroupEgress:
        - {{IpProtocol: "-1", CidrIp: 0.0.0.0/0, Description: Everything}}
"""
_CLUSTER = f"""\
  Cluster:
    Type: AWS::ECS::Cluster
{waived("ECS_CLUSTER_CONTAINER_INSIGHTS")}\
    Properties: {{CapacityProviders: [FARGATE, FARGATE_SPOT]}}
"""
_INSTANCES = """\
  InstanceTemplate:
    Type: AWS::EC2::LaunchTemplate
    Properties:
      LaunchTemplateData:
        ImageId: "{{resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id}}"
        InstanceType: t3.micro
        MetadataOptions: {HttpTokens: required}
  InstanceGroup:
    Type: AWS::AutoScaling::AutoScalingGroup
    Properties:
      MinSize: "0"
      MaxSize: "1"
      VPCZoneIdentifier: [!Ref PublicSubnet1]
      LaunchTemplate: {LaunchTemplateId: !Ref InstanceTemplate, Version: !GetAtt InstanceTemplate.LatestVersionNumber}
  CapacityProvider:
    Type: AWS::ECS::CapacityProvider
    Metadata: {preflight: {why: "Services of these stacks may run on container instances of the cluster, which are left out."}}
    Properties: {AutoScalingGroupProvider: {AutoScalingGroupArn: !Ref InstanceGroup}}
  CapacityProviders:
    Type: AWS::ECS::ClusterCapacityProviderAssociations
    Properties: {Cluster: !Ref Cluster, CapacityProviders: [FARGATE, FARGATE_SPOT, !Ref CapacityProvider], DefaultCapacityProviderStrategy: []}
"""
_BALANCER = f"""\
  LoadBalancer:
    Type: AWS::ElasticLoadBalancingV2::LoadBalancer
    DependsOn: PublicRoute
{waived("ELBV2_ACCESS_LOGS")}\
    Properties:
      Type: application
      Scheme: internet-facing
      Subnets: [!Ref PublicSubnet1, !Ref PublicSubnet2]
      SecurityGroups: [!Ref SecurityGroup]
      LoadBalancerAttributes: [{{Key: routing.http.drop_invalid_header_fields.enabled, Value: "true"}}]
"""
_LISTENER = """\
  Listener{n}:
    Type: AWS::ElasticLoadBalancingV2::Listener
{waived}\
    Properties:
      LoadBalancerArn: !Ref LoadBalancer
      Port: {port}
      Protocol: HTTP
      DefaultActions: [{action}]
"""
_NOT_FOUND = '{Type: fixed-response, FixedResponseConfig: {StatusCode: "404"}}'
_TARGET_GROUP = """\
  TargetGroup{n}:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties: {{VpcId: !Ref Vpc, TargetType: ip, Protocol: HTTP, Port: {port}}}
"""
ROLE = """\
  {name}:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{{Effect: Allow, Principal: {{Service: [{services}]}}, Action: "sts:AssumeRole"}}]
"""
EXECUTION_POLICIES = """\
      ManagedPolicyArns: [!Sub "arn:${AWS::Partition}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"]
      Policies:
        - PolicyName: secrets
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Effect: Allow
                Action: ["secretsmanager:GetSecretValue", "ssm:GetParameters"]
                Resource:
                  - !Sub "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:*"
                  - !Sub "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/*"
"""
_SERVICES = ("application-autoscaling", "codebuild", "codedeploy", "codepipeline", "ecs", "events", "lambda", "scheduler")
_MOUNTS = """\
  FileSystemGroup:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: Admits the VPC on the port of NFS
      VpcId: !Ref Vpc
      SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 2049, ToPort: 2049, CidrIp: 10.0.0.0/16, Description: NFS}]
  FileSystem:
    Type: AWS::EFS::FileSystem
    Properties: {Encrypted: true}
"""
_MOUNT = """\
  MountTarget{n}:
    Type: AWS::EFS::MountTarget
    Properties: {{FileSystemId: !Ref FileSystem, SubnetId: !Ref PublicSubnet{n}, SecurityGroups: [!Ref FileSystemGroup]}}
"""
_ACCESS_POINT = """\
  AccessPoint:
    Type: AWS::EFS::AccessPoint
    Properties:
      FileSystemId: !Ref FileSystem
      PosixUser: {Uid: "1000", Gid: "1000"}
      RootDirectory: {Path: /data, CreationInfo: {OwnerUid: "1000", OwnerGid: "1000", Permissions: "755"}}
"""
_NAMESPACE = """\
  Namespace:
    Type: AWS::ServiceDiscovery::PrivateDnsNamespace
    Properties: {Name: preflight.internal, Vpc: !Ref Vpc}
"""
_REGISTRY = """\
  Registry:
    Type: AWS::ServiceDiscovery::Service
    Properties: {NamespaceId: !Ref Namespace, DnsConfig: {DnsRecords: [{Type: A, TTL: 60}]}, HealthCheckCustomConfig: {FailureThreshold: 1}}
"""
_BUCKET = """\
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      PublicAccessBlockConfiguration: {BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true}
"""
_CREDENTIALS = "  Secret:\n    Type: AWS::SecretsManager::Secret\n    Properties: {GenerateSecretString: {}}\n"
_TASK_DEFINITION = """\
  TaskDefinition:
    Type: AWS::ECS::TaskDefinition
    Properties:
      RequiresCompatibilities: [FARGATE]
      NetworkMode: awsvpc
      Cpu: "256"
      Memory: "512"
      ExecutionRoleArn: !GetAtt ExecutionRole.Arn
      ContainerDefinitions:
"""
_CONTAINER = """\
        - Name: {name}
          Image: public.ecr.aws/nginx/nginx:stable
          User: "1000"
          ReadonlyRootFilesystem: true
          PortMappings: [{ports}]
          LogConfiguration: {{LogDriver: awslogs, Options: {{awslogs-group: !Ref LogGroup, awslogs-region: !Ref "AWS::Region", awslogs-stream-prefix: {name}}}}}
"""
_ARN = "arn:aws:{}:us-east-1:123456789012:{}"
_LB = "app/demo/0123456789abcdef"


def parts(subnets: int, ports: Mapping[int, int], containers: Mapping[str, Sequence[int]]) -> tuple[Part, ...]:
    """Returns all parts, each after those it needs: with so many subnets, target groups for ports by number, containers' ports by name."""
    return (
        Part(
            _NETWORK + _subnets("Public", 0, subnets),
            {VPC: "!Ref Vpc", SUBNETS: _ids("Public", subnets), **_each(SUBNET, "Public", subnets)},
            (),
            {VPC: "vpc-0123456789abcdef0", SUBNETS: _ids_like(subnets), **dict.fromkeys(_each(SUBNET, "", subnets), _ids_like(1))},
        ),
        Part(
            _NAT + _subnets("Private", 10, subnets),
            {PRIVATE_SUBNETS: _ids("Private", subnets), **_each(PRIVATE_SUBNET, "Private", subnets)},
            (VPC,),
            {PRIVATE_SUBNETS: _ids_like(subnets), **dict.fromkeys(_each(PRIVATE_SUBNET, "", subnets), _ids_like(1))},
        ),
        *(_security_group(n) for n in ("", *map(str, range(2, MOST_SECURITY_GROUPS + 1)))),
        Part(
            _CLUSTER,
            {CLUSTER: "!Ref Cluster", CLUSTER_ARN: "!GetAtt Cluster.Arn"},
            (),
            {CLUSTER: "cluster", CLUSTER_ARN: _ARN.format("ecs", "cluster/demo")},
        ),
        Part(_INSTANCES, {CAPACITY_PROVIDER: "!Ref CapacityProvider"}, (CLUSTER, VPC), {CAPACITY_PROVIDER: "instances"}),
        *_load_balancing(ports),
        *_roles(),
        *_storage(),
        *_names(),
        *_single(),
        *_tasks(containers or {"web": [80]}),
    )


def _subnets(kind: str, first: int, count: int) -> str:
    return "".join(_SUBNET.format(kind=kind, n=n + 1, zone=n, block=first + n) for n in range(count))


def _ids(kind: str, count: int) -> str:
    return f'!Sub "{",".join(f"${{{kind}Subnet{n}}}" for n in range(1, count + 1))}"'


def _ids_like(count: int) -> str:
    return ",".join(f"subnet-0123456789abcdef{n}" for n in range(count))


def _each(name: str, kind: str, count: int) -> dict[str, str]:
    return {name.replace("{s}", str(n)): f"!Ref {kind}Subnet{n}" for n in range(1, count + 1)}


def _security_group(number: str) -> Part:
    name = SECURITY_GROUP.replace("{g}", number)
    return Part(_GROUP.format(n=number), {name: f"!Ref SecurityGroup{number}"}, (VPC,), {name: "sg-0123456789abcdef0"})


def _load_balancing(ports: Mapping[int, int]) -> tuple[Part, ...]:
    """Returns a load balancer, a listener, and a target group with a listener for each port."""
    groups = [_target_group(n, port) for n, port in ports.items()]
    first = f"{{Type: forward, TargetGroupArn: !Ref TargetGroup{min(ports)}}}" if ports else _NOT_FOUND
    arn = "elasticloadbalancing", "loadbalancer/" + _LB
    listener = _LISTENER.format(n=1, port=80, action=first, waived=waived("ELBV2_LISTENER_HTTPS"))
    balancer = Part(
        _BALANCER,
        {BALANCER: "!Ref LoadBalancer", BALANCER_NAME: "!GetAtt LoadBalancer.DNSName", BALANCER_ZONE: "!GetAtt LoadBalancer.CanonicalHostedZoneID", BALANCER_FULL_NAME: "!GetAtt LoadBalancer.LoadBalancerFullName"},
        (FIRST_SECURITY_GROUP, VPC),
        {BALANCER: _ARN.format(*arn), BALANCER_NAME: "demo-1234567890.us-east-1.elb.amazonaws.com", BALANCER_ZONE: "Z35SXDOTRQ7X7K", BALANCER_FULL_NAME: _LB},
    )
    listening = Part(listener, {LISTENER: "!Ref Listener1"}, (BALANCER,), {LISTENER: _ARN.format("elasticloadbalancing", f"listener/{_LB}/0123456789abcdef")})
    return (balancer, *groups, listening) if ports else (balancer, listening)


def _target_group(number: int, port: int) -> Part:
    """Returns a target group; the listener of the load balancer on port 80 forwards to the first, one of its own to each other."""
    action = f"{{Type: forward, TargetGroupArn: !Ref TargetGroup{number}}}"
    own = _LISTENER.format(n=number, port=8080 + number, action=action, waived=waived("ELBV2_LISTENER_HTTPS")) if number > 1 else ""
    name, sample = TARGET_GROUP.replace("{t}", str(number)), "targetgroup/demo/0123456789abcdef"
    full = {TARGET_GROUP_FULL_NAME: f"!GetAtt TargetGroup{number}.TargetGroupFullName"} if number == 1 else {}
    needs = (LISTENER, VPC) if number == 1 else (BALANCER, VPC)
    samples = {name: _ARN.format("elasticloadbalancing", sample), **dict.fromkeys(full, sample)}
    return Part(_TARGET_GROUP.format(n=number, port=port) + own, {name: f"!Ref TargetGroup{number}", **full}, needs, samples)


def _roles() -> tuple[Part, ...]:
    return (
        _role("ExecutionRole", ("ecs-tasks",), {EXECUTION_ROLE: "Arn", EXECUTION_ROLE_NAME: ""}, EXECUTION_POLICIES),
        _role("TaskRole", ("ecs-tasks",), {TASK_ROLE: "Arn", TASK_ROLE_NAME: ""}, ""),
        _role("ServiceRole", _SERVICES, {SERVICE_ROLE: "Arn"}, ""),
    )


def _role(name: str, services: tuple[str, ...], outputs: Mapping[str, str], policies: str) -> Part:
    principals = ", ".join(f"{service}.amazonaws.com" for service in services)
    values = {output: f"!GetAtt {name}.{attribute}" if attribute else f"!Ref {name}" for output, attribute in outputs.items()}
    samples = {output: f"arn:aws:iam::123456789012:role/{name}" if attribute else name for output, attribute in outputs.items()}
    return Part(ROLE.format(name=name, services=principals) + policies, values, (), samples)


def _storage() -> tuple[Part, ...]:
    mounts = "".join(_MOUNT.format(n=n) for n in (1, 2))
    return (
        Part(_MOUNTS + mounts, {FILE_SYSTEM: "!Ref FileSystem"}, (VPC,), {FILE_SYSTEM: "fs-0123456789abcdef0"}),
        Part(_ACCESS_POINT, {ACCESS_POINT: "!Ref AccessPoint"}, (FILE_SYSTEM,), {ACCESS_POINT: "fsap-0123456789abcdef0"}),
        Part(_BUCKET, {BUCKET: "!Ref Bucket"}, (), {BUCKET: "demo-bucket"}),
    )


def _names() -> tuple[Part, ...]:
    registry, namespace = "service/srv-0123456789abcdef", "namespace/ns-0123456789abcdef"
    return (
        Part(
            _NAMESPACE,
            {NAMESPACE: "!Ref Namespace", NAMESPACE_ARN: "!GetAtt Namespace.Arn"},
            (VPC,),
            {NAMESPACE: "ns-0123456789abcdef", NAMESPACE_ARN: _ARN.format("servicediscovery", namespace)},
        ),
        Part(_REGISTRY, {REGISTRY: "!GetAtt Registry.Arn"}, (NAMESPACE,), {REGISTRY: _ARN.format("servicediscovery", registry)}),
        Part(f"  Zone:\n    Type: AWS::Route53::HostedZone\n    Properties: {{Name: {DOMAIN}}}\n", {ZONE: "!Ref Zone"}, (), {ZONE: "Z0123456789ABCDEFGHIJ"}),
    )


def _single() -> tuple[Part, ...]:
    """Returns the parts of one resource that needs no other."""
    certificate = f"  Certificate:\n    Type: AWS::CertificateManager::Certificate\n    Properties: {{DomainName: {DOMAIN}}}\n"
    key = "  Key:\n    Type: AWS::KMS::Key\n    Properties: {EnableKeyRotation: true}\n"
    queue = "  Queue:\n    Type: AWS::SQS::Queue\n"
    return (
        Part(certificate, {CERTIFICATE: "!Ref Certificate"}, (), {CERTIFICATE: _ARN.format("acm", "certificate/01234567-89ab-cdef-0123-456789abcdef")}),
        Part(_CREDENTIALS, {SECRET: "!Ref Secret"}, (), {SECRET: _ARN.format("secretsmanager", "secret:a-AbCdEf")}),
        Part(key, {KEY: "!GetAtt Key.Arn"}, (), {KEY: _ARN.format("kms", "key/0123")}),
        Part('  KeyPair:\n    Type: AWS::EC2::KeyPair\n    Properties: {KeyName: !Ref "AWS::StackName"}\n', {KEY_PAIR: "!Ref KeyPair"}, (), {KEY_PAIR: "demo"}),
        Part("  Topic:\n    Type: AWS::SNS::Topic\n", {TOPIC: "!Ref Topic"}, (), {TOPIC: _ARN.format("sns", "demo")}),
        Part(queue, {QUEUE: "!Ref Queue"}, (), {QUEUE: "https" + "://sqs.us-east-1.amazonaws.com/123456789012/demo"}),
    )


def _tasks(containers: Mapping[str, Sequence[int]]) -> tuple[Part, ...]:
    group = "  LogGroup:\n    Type: AWS::Logs::LogGroup\n    Properties: {RetentionInDays: 30}\n"
    definition = _TASK_DEFINITION + "".join(_container(name, ports) for name, ports in containers.items())
    return (
        Part(group, {LOG_GROUP: "!Ref LogGroup"}, (), {LOG_GROUP: "demo"}),
        Part(definition, {TASK_DEFINITION: "!Ref TaskDefinition"}, (EXECUTION_ROLE, LOG_GROUP), {TASK_DEFINITION: _ARN.format("ecs", "task-definition/demo:1")}),
    )


def _container(name: str, ports: Sequence[int]) -> str:
    mappings = ", ".join(f"{{ContainerPort: {port}}}" for port in ports)
    return _CONTAINER.format(name=json.dumps(name), ports=mappings)
