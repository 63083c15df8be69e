"""Deliberate mistakes and correct variants: the repository's own deployment plus one change each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

FARGATE, VPC, ECR, ROOT, PLAN, PAGE = (
    "cfn/fa-018-fargate.yaml",
    "cfn/fa-018-vpc.yaml",
    "cfn/fa-018-ecr.yaml",
    "cfn/fa-018.yaml",
    "preflight.yaml",
    "docker/index.html",
)
POLICY = 'ManagedPolicyArns:\n        - !Sub "arn:${AWS::Partition}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"\n'
IMAGE = "          Image: nginx:1.28.0\n"
READ_ONLY = "          ReadonlyRootFilesystem: true\n"
CONTAINERS = '      ContainerDefinitions:\n        - Name: !Sub "${Prefix}-task1-container"\n'
LOG = (
    "          LogConfiguration: {LogDriver: awslogs, Options: {awslogs-group: !Ref LogGroup1, "
    "awslogs-region: !Ref AWS::Region, awslogs-stream-prefix: init}}\n"
)
PORTS = "          FromPort: !Ref HTTPPort\n          ToPort: !Ref HTTPPort\n"
INLINE = """Policies:
        - PolicyName: execution
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Effect: Allow
                Action: ecr:GetAuthorizationToken
                Resource: "*"
              - Effect: Allow
                Action: [ecr:BatchCheckLayerAvailability, ecr:GetDownloadUrlForLayer, ecr:BatchGetImage]
                Resource: !Sub "arn:${AWS::Partition}:ecr:${AWS::Region}:${AWS::AccountId}:repository/${Prefix}"
              - Effect: Allow
                Action: ["logs:CreateLogStream", "logs:PutLogEvents"]
                Resource: [!GetAtt LogGroup1.Arn, !GetAtt LogGroup2.Arn]
"""
GATEWAY = """  OtherGateway:
    Type: AWS::EC2::InternetGateway

  OtherAttachment:
    Type: AWS::EC2::VPCGatewayAttachment
    Properties: {VpcId: !Ref VPC, InternetGatewayId: !Ref OtherGateway}

"""
RULE = """Rules:
  Named:
    Assertions: [{Assert: !Equals [!Ref Prefix, other], AssertDescription: the prefix has to be other}]

"""


def beside(command: str, *, condition: str) -> str:
    """An init container before the first one, which depends on it."""
    return (
        "      ContainerDefinitions:\n        - Name: init\n          Image: nginx:1.28.0\n          Essential: false\n"
        f'{READ_ONLY}          Command: [sh, -c, "{command}"]\n{LOG}        - Name: !Sub "${{Prefix}}-task1-container"\n'
        f"          DependsOn: [{{ContainerName: init, Condition: {condition}}}]\n"
    )


def checked(command: str) -> str:
    """The first container with a health check."""
    check = f'HealthCheck: {{Command: [CMD-SHELL, "{command}"], Interval: 5, Retries: 2, Timeout: 3}}'
    return f"{IMAGE}          {check}\n"


@dataclass(frozen=True)
class Change:
    """One change, and for a mistake the check that has to name it.

    `base` has the edits that come first, and are correct in themselves.
    """

    id: str
    file: str
    old: str
    new: str
    check: str = ""
    base: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)


RACE_IS_ERROR = {"preflight.yaml": (("standins:\n", "checks: {EC2_ROUTE_IGW_DEPENDS_ON_ATTACHMENT: security}\n\nstandins:\n"),)}

MISTAKES = (
    Change("no network mode", FARGATE, "      NetworkMode: awsvpc\n", "", "ECS_TASKDEF_NETWORK_MODE_AWSVPC"),
    Change("bridge", FARGATE, "NetworkMode: awsvpc", "NetworkMode: bridge", "ECS_TASKDEF_NETWORK_MODE_AWSVPC"),
    Change("not for Fargate", FARGATE, "[FARGATE]", "[EC2]", "ECS_TASKDEF_REQUIRES_FARGATE"),
    Change("launched on EC2", FARGATE, "LaunchType: FARGATE", "LaunchType: EC2", "ECS_SERVICE_LAUNCH_TYPE_FARGATE"),
    Change("no execution policy", FARGATE, POLICY, "Path: /\n", "IAM_EXECUTION_ROLE_POLICY_ATTACHED"),
    Change(
        "another policy",
        FARGATE,
        "service-role/AmazonECSTaskExecutionRolePolicy",
        "AmazonS3ReadOnlyAccess",
        "AccessDenied",
    ),
    Change("inline without BatchGetImage", FARGATE, POLICY, INLINE.replace(", ecr:BatchGetImage", ""), "AccessDenied"),
    Change("inline without logs", FARGATE, POLICY, INLINE.replace('"logs:CreateLogStream", ', ""), "AccessDenied"),
    Change(
        "trusts ECS itself", FARGATE, "Service: ecs-tasks.amazonaws.com", "Service: ecs.amazonaws.com", "RoleNotAssumed"
    ),
    Change(
        "no execution role",
        FARGATE,
        "      ExecutionRoleArn: !GetAtt FargateTaskExecutionRole.Arn\n",
        "",
        "ECS_TASKDEF_EXECUTION_ROLE_PRESENT",
    ),
    Change(
        "a missing role",
        FARGATE,
        "ExecutionRoleArn: !GetAtt FargateTaskExecutionRole.Arn",
        'ExecutionRoleArn: !Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/nobody"',
        "CREATE_FAILED",
    ),
    Change(
        "no ingress",
        FARGATE,
        PORTS + "          CidrIp: 0.0.0.0/0\n",
        PORTS + "          CidrIp: 10.0.0.0/16\n",
        "SMOKE_GET",
    ),
    Change("another port open", FARGATE, PORTS, "          FromPort: 8080\n          ToPort: 8080\n", "SMOKE_GET"),
    Change("udp open", FARGATE, "IpProtocol: tcp\n" + PORTS, "IpProtocol: udp\n" + PORTS, "SMOKE_GET"),
    Change(
        "no way out",
        FARGATE,
        "          FromPort: 443\n          ToPort: 443\n",
        "          FromPort: 80\n          ToPort: 80\n",
        "NoRoute",
    ),
    Change("no public address", FARGATE, "AssignPublicIp: ENABLED", "AssignPublicIp: DISABLED", "NoRoute"),
    Change("no default route", VPC, "DestinationCidrBlock: 0.0.0.0/0", "DestinationCidrBlock: 192.0.2.0/24", "NoRoute"),
    Change(
        "a subnet without the route table",
        VPC,
        "      SubnetId: !Ref PublicSubnet2\n",
        "      SubnetId: !Ref PublicSubnet1\n",
        "NoRoute",
    ),
    Change("the route before the attachment", VPC, "    DependsOn: IGWAttachment\n", "", "EC2_ROUTE_IGW_DEPENDS_ON_ATTACHMENT", RACE_IS_ERROR),
    Change("DNS host names without DNS", VPC, "EnableDnsSupport: true", "EnableDnsSupport: false", "CFN_SERVICE_TAKES_PROPERTIES"),
    Change(
        "no DNS",
        VPC,
        "EnableDnsSupport: true\n      EnableDnsHostnames: true",
        "EnableDnsSupport: false\n      EnableDnsHostnames: false",
        "NoRoute",
    ),
    Change("overlapping subnets", VPC, "CidrBlock: 10.0.2.0/24", "CidrBlock: 10.0.1.128/25", "CREATE_FAILED"),
    Change("a subnet outside the VPC", VPC, "CidrBlock: 10.0.2.0/24", "CidrBlock: 10.1.2.0/24", "CREATE_FAILED"),
    Change(
        "a network ACL that denies",
        VPC,
        "  PublicRouteTable:\n",
        "  Acl:\n    Type: AWS::EC2::NetworkAcl\n    Properties: {VpcId: !Ref VPC}\n\n  AclAssociation:\n    Type: AWS::EC2::SubnetNetworkAclAssociation\n    Properties: {SubnetId: !Ref PublicSubnet1, NetworkAclId: !Ref Acl}\n\n  PublicRouteTable:\n",
        "NoRoute",
    ),
    Change("no log group", FARGATE, "awslogs-group: !Ref LogGroup2", "awslogs-group: /ecs/nowhere", "LogGroupMissing"),
    Change("no stream prefix", FARGATE, "              awslogs-stream-prefix: nginx\n", "", "CREATE_FAILED"),
    Change(
        "a missing tag",
        FARGATE,
        "${Repository}:${ImageTag}",
        "${Repository}:x${ImageTag}",
        "CannotPullContainerError",
    ),
    Change(
        "a missing repository",
        FARGATE,
        "/${Repository}:${ImageTag}",
        "/x${Repository}:${ImageTag}",
        "CannotPullContainerError",
    ),
    Change(
        "another name imported",
        FARGATE,
        'Fn::ImportValue: !Sub "${Prefix}-repository"',
        'Fn::ImportValue: !Sub "${Prefix}-repo"',
        "ROLLBACK_IN_PROGRESS",
    ),
    Change("an unknown volume", FARGATE, "        - Name: run\n", "", "CREATE_FAILED"),
    Change(
        "nowhere to write",
        FARGATE,
        "            - SourceVolume: run\n              ContainerPath: /run\n",
        "",
        "EssentialContainerExited",
    ),
    Change("privileged", FARGATE, READ_ONLY, READ_ONLY + "          Privileged: true\n", "CREATE_FAILED"),
    Change(
        "a capability",
        FARGATE,
        READ_ONLY,
        READ_ONLY + "          LinuxParameters: {Capabilities: {Add: [NET_ADMIN]}}\n",
        "CREATE_FAILED",
    ),
    Change(
        "a command there is not", FARGATE, IMAGE, IMAGE + "          Command: [nope]\n", "CannotStartContainerError"
    ),
    Change(
        "a container that ends",
        FARGATE,
        IMAGE,
        IMAGE + "          Command: [sh, -c, 'exit 3']\n",
        "EssentialContainerExited",
    ),
    Change("a user without permission", FARGATE, IMAGE, IMAGE + "          User: nginx\n", "VolumeNotWritable"),
    Change(
        "a missing parameter",
        FARGATE,
        READ_ONLY,
        READ_ONLY + "          Secrets: [{Name: A, ValueFrom: /no/such}]\n",
        "AccessDenied",
    ),
    Change(
        "a health check on another port",
        FARGATE,
        IMAGE,
        checked("wget -q -O /dev/null http://localhost:81/"),
        "HealthCheckFailed",
    ),
    Change("a health check there is not", FARGATE, IMAGE, checked("nosuch"), "HealthCheckFailed"),
    Change("an init container that fails", FARGATE, CONTAINERS, beside("exit 4", condition="SUCCESS"), "TaskStopped"),
    Change(
        "an init container that takes too long",
        FARGATE,
        CONTAINERS,
        beside("sleep 60", condition="SUCCESS").replace(
            "Essential: false\n", "Essential: false\n          StartTimeout: 3\n"
        ),
        "TaskStopped",
    ),
    Change("waits for the health of an unknown container", FARGATE, CONTAINERS, beside("true", condition="HEALTHY"), "CREATE_FAILED"),
    Change("a wrong size", FARGATE, "Cpu: !Ref TaskCpu", "Cpu: 300", "CREATE_FAILED"),
    Change(
        "a container larger than its task", FARGATE, READ_ONLY, READ_ONLY + "          Memory: 4096\n", "CREATE_FAILED"
    ),
    Change("no capability acknowledged", PLAN, "    capabilities: [CAPABILITY_IAM]\n", "", "CREATE_FAILED"),
    Change("no bucket named", PLAN, 'TemplateBucketName: "{bucket}", ', "", "ValidationError"),
    Change("no task runs", FARGATE, "DesiredCount: 1", "DesiredCount: 0", "SMOKE_GET"),
    Change("another page", PAGE, "fa-018 index.html", "another page", "SMOKE_GET"),
    Change("no YAML", FARGATE, "Resources:\n", "Resources: [\n", "TemplateUnreadable"),
    Change(
        "a description in Japanese",
        FARGATE,
        "GroupDescription: HTTP in, HTTPS out",
        "GroupDescription: 公開用",
        "CREATE_FAILED",
    ),
    Change("a zone of another region", VPC, '!Select [1, !GetAZs ""]', "us-east-1a", "CREATE_FAILED"),
    Change(
        "a reference to nothing", VPC, "SubnetId: !Ref PublicSubnet2", "SubnetId: !Ref PublicSubnet3", "CREATE_FAILED"
    ),
    Change("an unknown attribute", VPC, "Value: !Ref VPC\n", "Value: !GetAtt VPC.Name\n", "ROLLBACK_IN_PROGRESS"),
    Change(
        "a subnet with two route tables",
        VPC,
        "  PublicRouteTableAssociation2:\n",
        "  OtherTable:\n    Type: AWS::EC2::RouteTable\n    Properties: {VpcId: !Ref VPC}\n\n"
        "  OtherAssociation:\n    Type: AWS::EC2::SubnetRouteTableAssociation\n"
        "    Properties: {SubnetId: !Ref PublicSubnet2, RouteTableId: !Ref OtherTable}\n\n"
        "  PublicRouteTableAssociation2:\n",
        "CREATE_FAILED",
    ),
    Change(
        "a second gateway", VPC, "  PublicSubnet1:\n    Type", GATEWAY + "  PublicSubnet1:\n    Type", "CREATE_FAILED"
    ),
    Change(
        "a service that is none", FARGATE, "Service: ecs-tasks.amazonaws.com", "Service: ecs-tasks", "CREATE_FAILED"
    ),
    Change("a rule that does not hold", VPC, "Resources:\n", RULE + "Resources:\n", "CREATE_FAILED"),
    Change("an unknown type", VPC, "AWS::EC2::RouteTable", "AWS::EC2::RoutingTable", "E3006"),
    Change("an unknown property", ECR, "EmptyOnDelete: true", "EmptyOnRemove: true", "E3002"),
)
VARIANTS = (
    Change("the route before the attachment, which AWS mostly takes", VPC, "    DependsOn: IGWAttachment\n", ""),
    Change("as it is", FARGATE, IMAGE, IMAGE),
    Change("inline statements", FARGATE, POLICY, INLINE),
    Change("more memory", FARGATE, "    Default: 1024\n", "    Default: 2048\n"),
    Change("two tasks", FARGATE, "DesiredCount: 1", "DesiredCount: 2"),
    Change(
        "both subnets",
        FARGATE,
        "            - !Ref PublicSubnet1\n",
        "            - !Ref PublicSubnet1\n            - !Ref PublicSubnet2\n",
    ),
    Change("a health check", FARGATE, IMAGE, checked("wget -q -O /dev/null http://localhost/")),
    Change("an init container", FARGATE, CONTAINERS, beside("echo ready", condition="SUCCESS")),
    Change(
        "everything out",
        FARGATE,
        "        - Description: HTTPS to Docker Hub, ECR, S3 and CloudWatch Logs\n          IpProtocol: tcp\n          FromPort: 443\n          ToPort: 443\n",
        "        - Description: everything\n          IpProtocol: '-1'\n",
    ),
    Change("the article's ingress by port", FARGATE, PORTS, "          FromPort: 80\n          ToPort: 80\n"),
    Change(
        "tmpfs",
        FARGATE,
        READ_ONLY,
        READ_ONLY + "          LinuxParameters: {Tmpfs: [{ContainerPath: /scratch, Size: 16}]}\n",
    ),
)
