"""Changes of one place each that turn a rule of tier fargate red: `web.yaml`, or a template of the repository, plus one mistake."""

from __future__ import annotations

from tests.unit.artifact.rules.mutation import Mutation

WEB = "tests/unit/artifact/rules/web.yaml"
FARGATE, VPC = "cfn/fa-018-fargate.yaml", "cfn/fa-018-vpc.yaml"


ROUTER = "        - Name: router\n"
SUBNETS = "          Subnets:\n            - !Ref PrivateSubnet1\n            - !Ref PrivateSubnet2\n"
WORKER = "      Family: worker\n"
EXECUTION_TRUST = """          - Sid: ExecutionByTasksOnly
            Effect: Allow
            Principal:
              Service: ecs-tasks.amazonaws.com
"""

REDS = (
    Mutation("ECS_CONTAINER_AWSLOGS_CREATE_GROUP_PERMISSION", WEB, "Action: logs:CreateLogGroup", "Action: logs:CreateLogStream"),
    Mutation("ECS_CONTAINER_AWSLOGS_OPTIONS", WEB, "              awslogs-stream-prefix: app\n", ""),
    Mutation("ECS_CONTAINER_AWSLOGS_OPTIONS", WEB, "              awslogs-group: /web/router\n", ""),
    Mutation("ECS_CONTAINER_CAPABILITIES_FARGATE", WEB, "Add: [SYS_PTRACE]", "Add: [SYS_PTRACE, NET_ADMIN]"),
    Mutation("ECS_CONTAINER_FARGATE_UNSUPPORTED_PARAMS", WEB, ROUTER, ROUTER + "          Links: [app]\n"),
    Mutation("ECS_CONTAINER_FARGATE_UNSUPPORTED_PARAMS", WEB, ROUTER, ROUTER + "          Hostname: router\n"),
    Mutation("ECS_CONTAINER_FARGATE_UNSUPPORTED_PARAMS", WEB, "            InitProcessEnabled: true\n", "            SharedMemorySize: 64\n"),
    Mutation("ECS_CONTAINER_HOST_PORT_EQUALS_CONTAINER_PORT", WEB, "HostPort: 8080", "HostPort: 80"),
    Mutation("ECS_CONTAINER_LOG_DRIVER_FARGATE", WEB, "LogDriver: awslogs\n            Options:\n              awslogs-create-group", "LogDriver: fluentd\n            Options:\n              awslogs-create-group"),
    Mutation("ECS_CONTAINER_NOT_PRIVILEGED", WEB, "Privileged: False", "Privileged: True"),
    Mutation("ECS_CONTAINER_NOT_PRIVILEGED", WEB, "Privileged: False", "Privileged: true"),
    Mutation("ECS_CONTAINER_NOT_PRIVILEGED", WEB, "Privileged: False", "Privileged: yes"),
    Mutation("ECS_CONTAINER_TIMEOUT_RANGE", WEB, "StopTimeout: 30", "StopTimeout: 121"),
    Mutation("ECS_CONTAINER_TIMEOUT_RANGE", WEB, "StartTimeout: 60", 'StartTimeout: "600"'),
    Mutation("ECS_SERVICE_AWSVPC_CONFIGURATION", WEB, SUBNETS, ""),
    Mutation("ECS_SERVICE_AWSVPC_CONFIGURATION", WEB, SUBNETS, f"          Subnets: [{', '.join(f'subnet-{n}' for n in range(17))}]\n"),
    Mutation("ECS_SERVICE_DEPENDS_ON_LISTENER", WEB, "    DependsOn: HttpsListener\n", ""),
    Mutation("ECS_SERVICE_DEPENDS_ON_LISTENER", WEB, "DependsOn: HttpsListener", "DependsOn: LoadBalancer"),
    Mutation("ECS_SERVICE_LAUNCH_TYPE_FARGATE", WEB, "LaunchType: FARGATE", "LaunchType: EC2"),
    Mutation("ECS_SERVICE_LAUNCH_TYPE_FARGATE", WEB, "CapacityProvider: FARGATE_SPOT", "CapacityProvider: my-instances"),
    Mutation("ECS_SERVICE_LAUNCH_TYPE_XOR_CAPACITY_PROVIDER", WEB, "      PlatformVersion: 1.4.0\n", "      PlatformVersion: 1.4.0\n      LaunchType: FARGATE\n"),
    Mutation("ECS_SERVICE_LB_TARGET_MATCHES_TASKDEF", WEB, "ContainerName: router", "ContainerName: web"),
    Mutation("ECS_SERVICE_LB_TARGET_MATCHES_TASKDEF", WEB, "ContainerName: router\n          ContainerPort: 8080", "ContainerName: router\n          ContainerPort: 80"),
    Mutation("ECS_SERVICE_LB_TARGET_MATCHES_TASKDEF", WEB, "ContainerName: router\n", "ContainerName: app\n"),
    Mutation("ECS_SERVICE_NO_PLACEMENT", WEB, "      PlatformVersion: 1.4.0\n", "      PlacementConstraints: [{Type: distinctInstance}]\n"),
    Mutation("ECS_SERVICE_NO_PLACEMENT", WEB, "      PlatformVersion: 1.4.0\n", "      PlacementStrategies: [{Type: spread, Field: 'attribute:ecs.availability-zone'}]\n"),
    Mutation("ECS_SERVICE_NO_ROLE", WEB, "      PlatformVersion: 1.4.0\n", "      Role: !GetAtt TaskRole.Arn\n"),
    Mutation("ECS_SERVICE_PLATFORM_VERSION_SUPPORTED", WEB, "PlatformVersion: 1.4.0", "PlatformVersion: 1.3.0"),
    Mutation("ECS_SERVICE_SECURITY_GROUPS_LIMIT", WEB, "            - !Ref TaskGroup\n", "            - !Ref TaskGroup\n" + "".join(f"            - sg-{n}\n" for n in range(5))),
    Mutation("ECS_TASKDEF_CONTAINERS_STATIC", WEB, "        - Name: worker\n          Image:", "        - Name: worker\n          WorkingDirectory:"),
    Mutation("ECS_TASKDEF_CPU_MEMORY_PRESENT", WEB, "      Memory: 1 GB\n", ""),
    Mutation("ECS_TASKDEF_CPU_MEMORY_PRESENT", WEB, "      Cpu: !Ref TaskCpu\n", ""),
    Mutation("ECS_TASKDEF_CPU_MEMORY_VALID", WEB, "      Memory: 1 GB\n", "      Memory: 8 GB\n"),
    Mutation("ECS_TASKDEF_CPU_MEMORY_VALID", WEB, '      Cpu: "512"\n', "      Cpu: 500\n"),
    Mutation("ECS_TASKDEF_EFS_IAM_NEEDS_TLS", WEB, "            TransitEncryption: ENABLED\n", ""),
    Mutation("ECS_TASKDEF_EPHEMERAL_STORAGE_RANGE", WEB, "SizeInGiB: 30", "SizeInGiB: 20"),
    Mutation("ECS_TASKDEF_EXECUTION_ROLE_PRESENT", WEB, "      ExecutionRoleArn: !GetAtt ExecutionRole.Arn\n      TaskRoleArn", "      TaskRoleArn"),
    Mutation("ECS_TASKDEF_MOUNTS_DECLARED", WEB, "SourceVolume: scratch", "SourceVolume: scratches"),
    Mutation("ECS_TASKDEF_MOUNTS_DECLARED", FARGATE, '        - Name: cache\n        - Name: run\n        - Name: tmp\n      ContainerDefinitions:\n        - Name: !Sub "${Prefix}-task1-container"', '        - Name: cache\n        - Name: tmp\n      ContainerDefinitions:\n        - Name: !Sub "${Prefix}-task1-container"'),
    Mutation("ECS_TASKDEF_NETWORK_MODE_AWSVPC", WEB, WORKER + "      RequiresCompatibilities: [FARGATE]\n      NetworkMode: awsvpc\n", WORKER + "      RequiresCompatibilities: [FARGATE]\n"),
    Mutation("ECS_TASKDEF_NETWORK_MODE_AWSVPC", FARGATE, '-task1"\n      RequiresCompatibilities: [FARGATE]\n      NetworkMode: awsvpc\n', '-task1"\n      RequiresCompatibilities: [FARGATE]\n      NetworkMode: bridge\n'),
    Mutation("ECS_TASKDEF_NO_IPC_MODE", WEB, "PidMode: task", "IpcMode: task"),
    Mutation("ECS_TASKDEF_NO_PLACEMENT_CONSTRAINTS", WEB, WORKER, WORKER + "      PlacementConstraints: [{Type: memberOf, Expression: 'attribute:x == y'}]\n"),
    Mutation("ECS_TASKDEF_PID_MODE", WEB, "PidMode: task", "PidMode: host"),
    Mutation("ECS_TASKDEF_REQUIRES_FARGATE", WEB, WORKER + "      RequiresCompatibilities: [FARGATE]\n", WORKER),
    Mutation("ECS_TASKDEF_REQUIRES_FARGATE", WEB, WORKER + "      RequiresCompatibilities: [FARGATE]\n", WORKER + "      RequiresCompatibilities: [EC2]\n"),
    Mutation("ECS_TASKDEF_ROLE_ARN_NOT_REF", WEB, WORKER, WORKER + "      TaskRoleArn: !Ref ExecutionRole\n"),
    Mutation("ECS_TASKDEF_RUNTIME_PLATFORM", WEB, WORKER, WORKER + "      RuntimePlatform: {OperatingSystemFamily: WINDOWS_SERVER_2016_FULL}\n"),
    Mutation(
        "ECS_TASKDEF_RUNTIME_PLATFORM",
        WEB,
        "OperatingSystemFamily: LINUX",
        "OperatingSystemFamily: WINDOWS_SERVER_2022_CORE",
        also=("ECS_SERVICE_PLATFORM_VERSION_SUPPORTED", "ECS_TASKDEF_PID_MODE"),
    ),
    Mutation("ECS_TASKDEF_VOLUMES_FARGATE", WEB, "        - Name: scratch\n", "        - Name: scratch\n          Host: {SourcePath: /scratch}\n"),
    Mutation("ELBV2_TARGET_GROUP_TYPE_IP", WEB, "      TargetType: ip\n", ""),
    Mutation("ELBV2_TARGET_GROUP_TYPE_IP", WEB, "TargetType: ip", "TargetType: instance"),
    Mutation("IAM_ECS_ROLE_TRUST_ECS_TASKS", WEB, EXECUTION_TRUST, EXECUTION_TRUST.replace("ecs-tasks", "ecs")),
    Mutation("IAM_ECS_ROLE_TRUST_ECS_TASKS", WEB, "Service: [ecs-tasks.amazonaws.com]", "Service: [ec2.amazonaws.com]"),
    Mutation("IAM_EXECUTION_ROLE_POLICY_ATTACHED", WEB, "policy/service-role/AmazonECSTaskExecutionRolePolicy", "policy/AmazonS3ReadOnlyAccess"),
    Mutation("IAM_EXECUTION_ROLE_POLICY_ATTACHED", FARGATE, "service-role/AmazonECSTaskExecutionRolePolicy", "AmazonSSMReadOnlyAccess"),
)
