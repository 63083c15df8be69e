"""Mistakes and correct variants in what tasks need to start, to stay healthy and to be reached."""

from __future__ import annotations

import json

from tests.integration.mistakes import starting_points
from tests.integration.mistakes.templates import CONTAINERS, ECR, FARGATE, IMAGE, PLAN, READ_ONLY, VPC, Change

_SERVICE2 = '      ServiceName: !Sub "${Prefix}-service2"\n'
_NOT_PUBLIC2 = (
    (
        "          AssignPublicIp: ENABLED\n          SecurityGroups:\n            - !Ref ContainerSecurityGroup\n          Subnets:\n            - !Ref PublicSubnet2\n",
        "          AssignPublicIp: DISABLED\n          SecurityGroups:\n            - !Ref ContainerSecurityGroup\n          Subnets:\n            - !Ref PublicSubnet2\n",
    ),
)
FAMILY_2 = '      Family: !Sub "${Prefix}-task2"\n'
BALANCED = {FARGATE: starting_points.BALANCED, PLAN: starting_points.PLAIN_HTTP}
SHARED = {FARGATE: starting_points.SHARED}
SECRET = {FARGATE: starting_points.SECRET}
PRIVATE = {VPC: starting_points.PRIVATE, FARGATE: _NOT_PUBLIC2, PLAN: starting_points.INWARD}
ENDPOINTS = {VPC: starting_points.ENDPOINTS, FARGATE: _NOT_PUBLIC2, PLAN: starting_points.INWARD}
NIGHTLY = {FARGATE: starting_points.NIGHTLY, PLAN: starting_points.ONCE}
_STRATEGY = "CapacityProviderStrategy: [{CapacityProvider: FARGATE_SPOT, Weight: 1}]"
_SIDECAR = (
    "      ContainerDefinitions:\n        - Name: second\n          Image: nginx:1.28.0\n"
    '        - Name: !Sub "${Prefix}-task1-container"\n'
)
_EFS_MOUNT = "            - SourceVolume: shared\n              ContainerPath: /shared\n"
_RUN1 = IMAGE + READ_ONLY + "          MountPoints:\n"
_USED = (_RUN1, _RUN1 + _EFS_MOUNT)
MOUNTED = {FARGATE: (*starting_points.SHARED, _USED)}
_TRUST = (
    '      AssumeRolePolicyDocument:\n        Version: "2012-10-17"\n        Statement:\n          - Sid: TasksOnly\n'
)

_ITSELF = (
    "sed 's#/etc/nginx/conf.d/[*].conf#/tmp/d.conf#' /etc/nginx/nginx.conf > /tmp/c; "
    "sed 's/listen .*80;/listen 127.0.0.1:80;/' /etc/nginx/conf.d/default.conf > /tmp/d.conf; "
    "exec nginx -c /tmp/c -g 'daemon off;'"
)

NAMED = {FARGATE: starting_points.NAMED}
LATE = {FARGATE: (*starting_points.CONNECTED, (starting_points.SERVICE1, starting_points.SERVICE1 + "    DependsOn: Service2\n"))}  # which goes round
CONNECTED = {FARGATE: starting_points.CONNECTED}
_OUT = "        - {Description: HTTP to each other, IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: 10.0.0.0/16}\n"

MISTAKES = (
    # a rule starts a task
    Change("a scheduled task that fails", FARGATE, "exit 0", "exit 3", "EssentialContainerExited", NIGHTLY),
    Change("an override for another container", FARGATE, '"${Prefix}-task1-container", "command"', '"job", "command"', "SMOKE_SCHEDULE", NIGHTLY),
    Change("a role that passes one of two roles", FARGATE, ", !GetAtt TaskRole.Arn]", "]", "SMOKE_SCHEDULE", NIGHTLY),
    # one service calls the other
    Change("no egress to the other service", FARGATE, _OUT, "", "EssentialContainerExited", NAMED),
    Change("another name than the registry's", FARGATE, "      Name: web\n", "      Name: back\n", "EssentialContainerExited", NAMED),
    Change(
        "a registry without a service",
        FARGATE,
        "      ServiceRegistries: [{RegistryArn: !GetAtt Registry.Arn}]\n",
        "",
        "EssentialContainerExited",
        NAMED,
    ),
    Change("a VPC without host names", VPC, "EnableDnsHostnames: true", "EnableDnsHostnames: false", "EssentialContainerExited", NAMED),
    Change("a client before its server", FARGATE, "    DependsOn: Service1\n", "", "EssentialContainerExited", LATE),
    Change("another alias of Service Connect", FARGATE, "DnsName: web.app.internal", "DnsName: web", "EssentialContainerExited", CONNECTED),
    Change(
        "a client outside of Service Connect",
        FARGATE,
        "      ServiceConnectConfiguration: {Enabled: true, Namespace: !GetAtt Namespace.Arn}\n",
        "",
        "EssentialContainerExited",
        CONNECTED,
    ),
    # behind a load balancer
    Change("a service before its listener", FARGATE, "    DependsOn: Listener\n", "", "CREATE_FAILED", BALANCED),
    Change("targets are instances", FARGATE, "TargetType: ip", "TargetType: instance", "CREATE_FAILED", BALANCED),
    Change(
        "a port that no container has",
        FARGATE,
        "          ContainerPort: 80\n          TargetGroupArn",
        "          ContainerPort: 8080\n          TargetGroupArn",
        "CREATE_FAILED",
        BALANCED,
    ),
    Change(
        "an unknown container",
        FARGATE,
        '        - ContainerName: !Sub "${Prefix}-task1-container"',
        "        - ContainerName: nobody",
        "CREATE_FAILED",
        BALANCED,
    ),
    Change(
        "a health check of a missing page",
        FARGATE,
        "HealthCheckPath: /\n",
        "HealthCheckPath: /nowhere\n",
        "TargetUnhealthy",
        BALANCED,
    ),
    Change(
        "a health check of a closed port",
        FARGATE,
        "HealthCheckPath: /\n",
        'HealthCheckPath: /\n      HealthCheckPort: "8080"\n',
        "TargetUnhealthy",
        BALANCED,
    ),
    Change(
        "a health check that wants another code",
        FARGATE,
        "HealthCheckPath: /\n",
        'HealthCheckPath: /\n      Matcher: {HttpCode: "204"}\n',
        "TargetUnhealthy",
        BALANCED,
    ),
    Change(
        "the load balancer may not speak to the tasks",
        FARGATE,
        "FromPort: 80, ToPort: 80, CidrIp: 10.0.0.0/16",
        "FromPort: 443, ToPort: 443, CidrIp: 10.0.0.0/16",
        "TargetUnhealthy",
        BALANCED,
    ),
    Change(
        "the tasks admit another network only",
        FARGATE,
        "          CidrIp: 0.0.0.0/0\n      SecurityGroupEgress:\n        - Description: HTTPS",
        "          CidrIp: 192.0.2.0/24\n      SecurityGroupEgress:\n        - Description: HTTPS",
        "TargetUnhealthy",
        BALANCED,
    ),
    Change(
        "a load balancer in one zone",
        FARGATE,
        "Subnets: [!Ref PublicSubnet1, !Ref PublicSubnet2]",
        "Subnets: [!Ref PublicSubnet1]",
        "CREATE_FAILED",
        BALANCED,
    ),
    # a file system
    Change(
        "no mount target in the zone",
        FARGATE,
        "SubnetId: !Ref PublicSubnet1, SecurityGroups: [!Ref SystemGroup]",
        "SubnetId: !Ref PublicSubnet2, SecurityGroups: [!Ref SystemGroup]",
        "FileSystemNotMounted",
        MOUNTED,
    ),
    Change(
        "the file system admits no task",
        FARGATE,
        "FromPort: 2049, ToPort: 2049, SourceSecurityGroupId",
        "FromPort: 2048, ToPort: 2048, SourceSecurityGroupId",
        "FileSystemNotMounted",
        MOUNTED,
    ),
    Change(
        "IAM without encryption in transit",
        FARGATE,
        "TransitEncryption: ENABLED}",
        "AuthorizationConfig: {IAM: ENABLED}}",
        "CREATE_FAILED",
        MOUNTED,
    ),
    Change(
        "a folder that a new file system does not have",
        FARGATE,
        "TransitEncryption: ENABLED}",
        "TransitEncryption: ENABLED, RootDirectory: /site}",
        "FileSystemNotMounted",
        MOUNTED,
    ),
    Change(
        "a VPC without names for the file system",
        VPC,
        "EnableDnsHostnames: true",
        "EnableDnsHostnames: false",
        "FileSystemNotMounted",
        MOUNTED,
    ),
    Change("ephemeral storage too small", FARGATE, "SizeInGiB: 30", "SizeInGiB: 20", "CREATE_FAILED", MOUNTED),
    # secrets
    Change(
        "a secret without permission",
        FARGATE,
        "Resource: !Ref Password",
        'Resource: !Sub "${Password}x"',
        "AccessDenied",
        SECRET,
    ),
    Change(
        "a key that the secret lacks",
        FARGATE,
        "${Password}:password::",
        "${Password}:pass::",
        "SecretMissing",
        SECRET,
    ),
    Change(
        "an unknown version",
        FARGATE,
        "${Password}:password::",
        "${Password}:password:AWSPREVIOUS:",
        "SecretMissing",
        SECRET,
    ),
    # private subnets
    Change(
        "no route to the NAT gateway",
        VPC,
        "  PrivateAssociation:\n    Type: AWS::EC2::SubnetRouteTableAssociation\n    Properties: {SubnetId: !Ref PrivateSubnet,",
        "  PrivateAssociation:\n    Type: AWS::EC2::SubnetRouteTableAssociation\n    Properties: {SubnetId: !Ref Unused,",
        "CREATE_FAILED",
        PRIVATE,
    ),
    Change(
        "a private NAT gateway",
        VPC,
        "Properties: {AllocationId: !GetAtt NatAddress.AllocationId, SubnetId: !Ref PublicSubnet1}",
        "Properties: {ConnectivityType: private, SubnetId: !Ref PublicSubnet1}",
        "NoRoute",
        PRIVATE,
    ),
    Change(
        "a NAT gateway in its own subnet",
        VPC,
        "AllocationId: !GetAtt NatAddress.AllocationId, SubnetId: !Ref PublicSubnet1",
        "AllocationId: !GetAtt NatAddress.AllocationId, SubnetId: !Ref PrivateSubnet",
        "NoRoute",
        PRIVATE,
    ),
    Change(
        "an endpoint that admits no task",
        VPC,
        "FromPort: 443, ToPort: 443, CidrIp: 10.0.0.0/16",
        "FromPort: 443, ToPort: 443, CidrIp: 10.9.0.0/16",
        "NoRoute",
        ENDPOINTS,
    ),
    Change("no endpoint for the layers", VPC, "${AWS::Region}.s3", "${AWS::Region}.dynamodb", "NoRoute", ENDPOINTS),
    Change("no endpoint for the log", VPC, "${AWS::Region}.logs", "${AWS::Region}.monitoring", "NoRoute", ENDPOINTS),
    Change(
        "an endpoint of the layers for another table",
        VPC,
        "RouteTableIds: [!Ref PrivateTable]",
        "RouteTableIds: [!Ref PublicRouteTable]",
        "NoRoute",
        ENDPOINTS,
    ),
    Change(
        "an endpoint policy without the layers",
        VPC,
        "      RouteTableIds: [!Ref PrivateTable]\n",
        '      RouteTableIds: [!Ref PrivateTable]\n      PolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: "*", Action: "s3:GetObject", Resource: "arn:aws:s3:::mine/*"}]}\n',
        "CannotPullContainerError",
        ENDPOINTS,
    ),
    Change(
        "endpoints without private DNS",
        VPC,
        "PrivateDnsEnabled: true",
        "PrivateDnsEnabled: false",
        "NoRoute",
        ENDPOINTS,
    ),
    # roles and repositories
    Change(
        "a repository that denies the pull",
        ECR,
        "      EmptyOnDelete: true\n",
        '      EmptyOnDelete: true\n      RepositoryPolicyText: {Version: "2012-10-17", Statement: [{Effect: Deny, Principal: "*", Action: "ecr:BatchGetImage"}]}\n',
        "AccessDenied",
    ),
    Change(
        "a boundary without the registry",
        FARGATE,
        "      ManagedPolicyArns:\n",
        "      PermissionsBoundary: arn:aws:iam::aws:policy/CloudWatchLogsFullAccess\n      ManagedPolicyArns:\n",
        "AccessDenied",
    ),
    Change(
        "another account's tasks are trusted",
        FARGATE,
        "            Action: sts:AssumeRole\n",
        '            Action: sts:AssumeRole\n            Condition: {StringEquals: {"aws:SourceAccount": "999999999999"}}\n',
        "RoleNotAssumed",
    ),
    Change(
        "a log group to create without permission",
        FARGATE,
        "              awslogs-stream-prefix: nginx\n",
        '              awslogs-stream-prefix: nginx\n              awslogs-create-group: "true"\n',
        "AccessDenied",
    ),
    Change(
        "a log in another region",
        FARGATE,
        "awslogs-region: !Ref AWS::Region",
        "awslogs-region: us-east-1",
        "LogGroupMissing",
    ),
    Change(
        "a missing file of variables",
        FARGATE,
        IMAGE,
        IMAGE + '          EnvironmentFiles: [{Type: s3, Value: "arn:aws:s3:::nobody-s-bucket/a.env"}]\n',
        "AccessDenied",
    ),
    # what the task is
    Change(
        "an image for another architecture",
        FARGATE,
        "Default: X86_64",
        "Default: ARM64",
        "PlatformMismatch",
        base={
            FARGATE: (
                ("Parameters:\n  Prefix:", "Parameters:\n  Kind: {Type: String, NoEcho: true, Default: X86_64}\n\n  Prefix:"),
                (FAMILY_2, FAMILY_2 + "      RuntimePlatform: {CpuArchitecture: !Ref Kind}\n"),
            )
        },
    ),
    Change("two servers on one port", FARGATE, CONTAINERS, _SIDECAR, "EssentialContainerExited"),
    Change(
        "too little memory",
        FARGATE,
        READ_ONLY,
        READ_ONLY + "          Memory: 32\n          Command: [tail, /dev/zero]\n",
        "EssentialContainerExited",
    ),
    Change(
        "listens to itself only",
        FARGATE,
        IMAGE,
        IMAGE + f"          Command: [sh, -c, {json.dumps(_ITSELF)}]\n",
        "SMOKE_GET",
    ),
    Change(
        "dependencies in a circle",
        FARGATE,
        CONTAINERS,
        '      ContainerDefinitions:\n        - Name: second\n          Image: nginx:1.28.0\n          Essential: false\n          DependsOn: [{ContainerName: !Sub "${Prefix}-task1-container", Condition: START}]\n        - Name: !Sub "${Prefix}-task1-container"\n          DependsOn: [{ContainerName: second, Condition: START}]\n',
        "CREATE_FAILED",
    ),
    Change(
        "a parameter that Fargate lacks",
        FARGATE,
        READ_ONLY,
        READ_ONLY + "          Links: [other]\n",
        "CREATE_FAILED",
    ),
    Change("swap", FARGATE, READ_ONLY, READ_ONLY + "          LinuxParameters: {MaxSwap: 100}\n", "CREATE_FAILED"),
    Change(
        "a log driver of Docker's",
        FARGATE,
        IMAGE,
        IMAGE + "          DockerSecurityOptions: [no-new-privileges]\n",
        "CREATE_FAILED",
    ),
    # the service
    Change("a provider that the cluster lacks", FARGATE, "LaunchType: FARGATE", _STRATEGY, "CREATE_FAILED"),
    Change(
        "commands without a task role",
        FARGATE,
        "      TaskRoleArn: !GetAtt TaskRole.Arn\n",
        "",
        "CREATE_FAILED",
        {
            FARGATE: (
                ("      PropagateTags: SERVICE\n", "      PropagateTags: SERVICE\n      EnableExecuteCommand: true\n"),
            )
        },
    ),
    Change(
        "more tasks than addresses",
        VPC,
        "CidrBlock: 10.0.2.0/24",
        "CidrBlock: 10.0.2.0/28",
        "NoAddress",
        {
            FARGATE: (
                (
                    _SERVICE2 + "      Cluster: !Ref Cluster\n      LaunchType: FARGATE\n      DesiredCount: 1\n",
                    _SERVICE2 + "      Cluster: !Ref Cluster\n      LaunchType: FARGATE\n      DesiredCount: 12\n",
                ),
            )
        },
    ),
    Change(
        "an unknown platform version",
        FARGATE,
        "      PropagateTags: SERVICE\n",
        "      PropagateTags: SERVICE\n      PlatformVersion: 9.9.9\n",
        "CREATE_FAILED",
    ),
)
VARIANTS = (
    Change("a scheduled task that ends", FARGATE, "exit 0", "exit 0", base=NIGHTLY),
    Change(
        "ARM64 for an image of the plan", FARGATE, FAMILY_2, FAMILY_2 + "      RuntimePlatform: {CpuArchitecture: ARM64}\n"
    ),
    Change("behind a load balancer", FARGATE, IMAGE, IMAGE, base=BALANCED),
    Change(
        "a port of its own for health checks",
        FARGATE,
        "HealthCheckPath: /\n",
        'HealthCheckPath: /\n      HealthCheckPort: "80"\n      Matcher: {HttpCode: 200-299}\n',
        base=BALANCED,
    ),
    Change("a file system", FARGATE, IMAGE, IMAGE, base=MOUNTED),
    Change("a secret", FARGATE, IMAGE, IMAGE, base=SECRET),
    Change("a private subnet with a NAT gateway", FARGATE, IMAGE, IMAGE, base=PRIVATE),
    Change("a private subnet with endpoints", FARGATE, IMAGE, IMAGE, base=ENDPOINTS),
    Change(
        "a strategy of capacity providers",
        FARGATE,
        "LaunchType: FARGATE",
        "CapacityProviderStrategy: [{CapacityProvider: FARGATE_SPOT, Weight: 3}, {CapacityProvider: FARGATE, Weight: 1, Base: 1}]",
        base={
            FARGATE: (
                (
                    "      ClusterSettings:\n",
                    "      CapacityProviders: [FARGATE, FARGATE_SPOT]\n      ClusterSettings:\n",
                ),
            )
        },
    ),
    Change(
        "several containers",
        FARGATE,
        CONTAINERS,
        '      ContainerDefinitions:\n        - Name: second\n          Image: nginx:1.28.0\n          Essential: false\n          ReadonlyRootFilesystem: true\n          LogConfiguration: {LogDriver: awslogs, Options: {awslogs-group: !Ref LogGroup1, awslogs-region: !Ref AWS::Region, awslogs-stream-prefix: second}}\n          Command: [sleep, "3600"]\n        - Name: !Sub "${Prefix}-task1-container"\n          DependsOn: [{ContainerName: second, Condition: START}]\n',
    ),
    Change(
        "sizes as words",
        FARGATE,
        "      Cpu: !Ref TaskCpu\n      Memory: !Ref TaskMemory\n",
        "      Cpu: .5 vCPU\n      Memory: 2 GB\n",
    ),
    Change(
        "a log group that the task may create",
        FARGATE,
        "              awslogs-stream-prefix: nginx\n",
        '              awslogs-stream-prefix: nginx\n              awslogs-create-group: "true"\n',
        base={
            FARGATE: (
                (
                    "      ManagedPolicyArns:\n",
                    '      Policies:\n        - PolicyName: group\n          PolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "logs:CreateLogGroup", Resource: !Sub "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/ecs/*"}]}\n      ManagedPolicyArns:\n',
                ),
            )
        },
    ),
    Change(
        "commands with a task role",
        FARGATE,
        "      PropagateTags: SERVICE\n",
        "      PropagateTags: SERVICE\n      EnableExecuteCommand: true\n",
        base={PLAN: starting_points.without("ECS_CLUSTER_EXEC_LOGGING", "ECS_SERVICE_EXECUTE_COMMAND_OFF")},
    ),
    Change(
        "this account's tasks are trusted",
        FARGATE,
        "            Action: sts:AssumeRole\n",
        '            Action: sts:AssumeRole\n            Condition: {StringEquals: {"aws:SourceAccount": !Ref "AWS::AccountId"}}\n',
    ),
    Change(
        "ARM64, which this machine cannot run",
        FARGATE,
        '      Family: !Sub "${Prefix}-task1"\n',
        '      Family: !Sub "${Prefix}-task1"\n      RuntimePlatform: {CpuArchitecture: ARM64}\n',
    ),
    Change("one service calls the other by its name in Cloud Map", FARGATE, "TTL: 10", "TTL: 60", base=NAMED),
    Change("one service calls the other by Service Connect", FARGATE, "{Port: 80, DnsName", "{Port: !Ref HTTPPort, DnsName", base=CONNECTED),
    Change("four tasks", FARGATE, "DesiredCount: 1", "DesiredCount: 4"),
    Change(
        "no tasks at once during a deployment",
        FARGATE,
        "        MinimumHealthyPercent: 100\n        MaximumPercent: 200\n",
        "        MinimumHealthyPercent: 0\n        MaximumPercent: 100\n",
    ),
)
