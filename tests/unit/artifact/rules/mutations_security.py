"""For each rule of tier security the changes to a good template that turn it red, and what goes red with it."""

from __future__ import annotations

from tests.unit.artifact.rules.mutation import Mutation

SECURE = "tests/unit/artifact/rules/secure.yaml"
FARGATE = "cfn/fa-018-fargate.yaml"
VPC = "cfn/fa-018-vpc.yaml"
ECR = "cfn/fa-018-ecr.yaml"
ROOT = "cfn/fa-018.yaml"

REDS = (
    Mutation(
        "CFN_NO_SECRET_DEFAULTS", SECURE, "    NoEcho: true\n", "    NoEcho: true\n    Default: correct-horse-battery\n"
    ),
    Mutation("CFN_NO_SECRET_DEFAULTS", SECURE, "    NoEcho: true\n", ""),
    Mutation("CFN_STACK_TEMPLATE_URL_HTTPS", SECURE, '"https://${LogBucket}', '"http://${LogBucket}'),
    Mutation("CFN_STACK_TEMPLATE_URL_HTTPS", ROOT, '"https://', '"http://'),
    Mutation("EC2_SG_OPEN_INGRESS_AUTHORIZED_PORTS", SECURE, "ToPort: 80\n", "ToPort: 443\n"),
    Mutation(
        "EC2_SG_OPEN_INGRESS_AUTHORIZED_PORTS",
        SECURE,
        "SourceSecurityGroupId: !GetAtt LoadBalancerSecurityGroup.GroupId",
        "CidrIp: 0.0.0.0/0",
    ),
    Mutation("EC2_SG_OPEN_INGRESS_AUTHORIZED_PORTS", FARGATE, "FromPort: !Ref HTTPPort", "FromPort: 22"),
    Mutation("EC2_SUBNET_NO_AUTO_PUBLIC_IP", SECURE, "MapPublicIpOnLaunch: false", "MapPublicIpOnLaunch: True"),
    Mutation("EC2_VPC_FLOW_LOGS", SECURE, "      ResourceId: !Ref VPC\n", "      ResourceId: !Ref PublicSubnet1\n"),
    Mutation("EC2_VPC_FLOW_LOGS", VPC, "        SuppressedRules: [EC2_VPC_FLOW_LOGS]\n", "        SuppressedRules: []\n"),
    Mutation(
        "ECR_LIFECYCLE_POLICY",
        SECURE,
        "      LifecyclePolicy:\n        LifecyclePolicyText: '",
        "      Tags:\n        - Key: policy\n          Value: '",
    ),
    Mutation("ECR_LIFECYCLE_POLICY", ECR, "LifecyclePolicyText: |", "RegistryId: |"),
    Mutation(
        "ECR_POLICY_NO_PUBLIC",
        SECURE,
        '              AWS: !Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"\n            Action: [ecr',
        '              AWS: "*"\n            Action: [ecr',
    ),
    Mutation("ECR_SCAN_ON_PUSH", SECURE, "ScanOnPush: true", "ScanOnPush: false"),
    Mutation("ECR_SCAN_ON_PUSH", ECR, "ScanOnPush: true", "ScanOnPush: false"),
    Mutation("ECR_TAG_IMMUTABLE", SECURE, "      ImageTagMutability: IMMUTABLE\n", ""),
    Mutation("ECR_TAG_IMMUTABLE", ECR, "ImageTagMutability: IMMUTABLE", "ImageTagMutability: MUTABLE"),
    Mutation("ECS_CLUSTER_CONTAINER_INSIGHTS", SECURE, "Value: enhanced", "Value: disabled"),
    Mutation(
        "ECS_CLUSTER_CONTAINER_INSIGHTS",
        FARGATE,
        "      ClusterSettings:\n        - Name: containerInsights\n          Value: enabled\n",
        "",
    ),
    Mutation(
        "ECS_CLUSTER_EXEC_LOGGING",
        SECURE,
        "          KmsKeyId: !GetAtt Key.Arn\n          Logging: OVERRIDE\n",
        "          Logging: OVERRIDE\n",
    ),
    Mutation("ECS_CLUSTER_EXEC_LOGGING", SECURE, "Logging: OVERRIDE", "Logging: NONE"),
    Mutation(
        "ECS_CONTAINER_LOGGING_CONFIGURED",
        SECURE,
        "            LogDriver: awslogs\n            Options:\n              awslogs-group: !Ref TaskLogGroup\n              awslogs-region: !Ref AWS::Region\n              awslogs-stream-prefix: metrics\n",
        "            SecretOptions: []\n",
    ),
    Mutation("ECS_CONTAINER_LOGGING_CONFIGURED", FARGATE, "LogDriver: awslogs", "SecretOptions: []"),
    Mutation("ECS_CONTAINER_NON_ROOT_USER", SECURE, "          User: cwagent\n", ""),
    Mutation("ECS_CONTAINER_NON_ROOT_USER", SECURE, 'User: "1000:1000"', 'User: "0:1000"'),
    Mutation(
        "ECS_CONTAINER_NON_ROOT_USER",
        FARGATE,
        "[ECS_CONTAINER_NON_ROOT_USER]",
        "[ECS_CONTAINER_READONLY_ROOT_FS]",
        ("ECS_CONTAINER_READONLY_ROOT_FS",),
    ),
    Mutation("ECS_CONTAINER_NO_ADDED_CAPABILITIES", SECURE, "InitProcessEnabled: true", "Capabilities: {Add: [SYS_PTRACE]}"),
    Mutation("ECS_CONTAINER_NO_PLAINTEXT_SECRETS", SECURE, "Name: LOG_LEVEL", "Name: AWS_SECRET_ACCESS_KEY"),
    Mutation("ECS_CONTAINER_NO_PLAINTEXT_SECRETS", SECURE, "Value: info", "Value: !Ref LegacyPassword"),
    Mutation(
        "ECS_CONTAINER_READONLY_ROOT_FS",
        SECURE,
        "          User: cwagent\n          ReadonlyRootFilesystem: true\n",
        "          User: cwagent\n",
    ),
    Mutation("ECS_CONTAINER_READONLY_ROOT_FS", FARGATE, "ReadonlyRootFilesystem: true", "ReadonlyRootFilesystem: false"),
    Mutation("ECS_SERVICE_EXECUTE_COMMAND_OFF", SECURE, "EnableExecuteCommand: false", "EnableExecuteCommand: true"),
    Mutation(
        "ECS_SERVICE_EXECUTE_COMMAND_OFF",
        FARGATE,
        "      PropagateTags: SERVICE\n",
        "      PropagateTags: SERVICE\n      EnableExecuteCommand: true\n",
        ("ECS_CLUSTER_EXEC_LOGGING",),
    ),
    Mutation("ECS_SERVICE_NO_PUBLIC_IP", SECURE, "AssignPublicIp: DISABLED", "AssignPublicIp: ENABLED"),
    Mutation(
        "ECS_SERVICE_NO_PUBLIC_IP",
        FARGATE,
        "[ECS_SERVICE_NO_PUBLIC_IP, ECS_SERVICE_MULTI_AZ]",
        "[ECS_SERVICE_MULTI_AZ]",
    ),
    Mutation("ECS_SERVICE_PLATFORM_VERSION_LATEST", SECURE, "PlatformVersion: LATEST", "PlatformVersion: 1.4.0"),
    Mutation(
        "ECS_SERVICE_SECURITY_GROUPS_EXPLICIT",
        SECURE,
        "          SecurityGroups:\n            - !GetAtt TaskSecurityGroup.GroupId\n",
        "",
    ),
    Mutation(
        "ECS_SERVICE_SECURITY_GROUPS_EXPLICIT",
        FARGATE,
        "          SecurityGroups:\n            - !Ref ContainerSecurityGroup\n",
        "          SecurityGroups: []\n",
    ),
    Mutation("ECS_TASKDEF_EFS_TRANSIT_ENCRYPTION", SECURE, "            TransitEncryption: ENABLED\n", ""),
    Mutation(
        "ECS_TASKDEF_PID_NAMESPACE_PRIVATE",
        SECURE,
        "      NetworkMode: awsvpc\n",
        "      NetworkMode: awsvpc\n      PidMode: task\n",
    ),
    Mutation(
        "ECS_TASK_ROLE_DIFFERS_FROM_EXECUTION_ROLE",
        SECURE,
        "TaskRoleArn: !GetAtt TaskRole.Arn",
        "TaskRoleArn: !GetAtt ExecutionRole.Arn",
    ),
    Mutation(
        "ECS_TASK_ROLE_DIFFERS_FROM_EXECUTION_ROLE",
        FARGATE,
        "TaskRoleArn: !GetAtt TaskRole.Arn",
        "TaskRoleArn: !GetAtt [FargateTaskExecutionRole, Arn]",
    ),
    Mutation("ELBV2_ACCESS_LOGS", SECURE, '        - Key: access_logs.s3.enabled\n          Value: "true"\n', ""),
    Mutation("ELBV2_DESYNC_MITIGATION", SECURE, "Value: defensive", "Value: monitor"),
    Mutation(
        "ELBV2_DROP_INVALID_HEADERS",
        SECURE,
        'drop_invalid_header_fields.enabled\n          Value: "true"',
        'drop_invalid_header_fields.enabled\n          Value: "false"',
    ),
    Mutation(
        "ELBV2_LISTENER_HTTPS",
        SECURE,
        '            Protocol: HTTPS\n            Port: "443"\n',
        '            Port: "443"\n',
    ),
    Mutation("ELBV2_LISTENER_HTTPS", SECURE, "      Certificates:\n        - CertificateArn: !Ref CertificateArn\n", ""),
    Mutation("ELBV2_SSL_POLICY", SECURE, "      SslPolicy: ELBSecurityPolicy-TLS13-1-2-2021-06\n", ""),
    Mutation("ELBV2_SSL_POLICY", SECURE, "TLS13-1-2-2021-06", "TLS13-1-1-2021-06"),
    Mutation(
        "IAM_ROLE_NO_ADMIN_MANAGED_POLICY",
        SECURE,
        "policy/service-role/AmazonECSTaskExecutionRolePolicy",
        "policy/AdministratorAccess",
    ),
    Mutation(
        "IAM_ROLE_NO_ADMIN_MANAGED_POLICY",
        FARGATE,
        "policy/service-role/AmazonECSTaskExecutionRolePolicy",
        "policy/AmazonECS_FullAccess",
    ),
    Mutation(
        "IAM_ROLE_NO_NOTACTION_NOTRESOURCE",
        SECURE,
        "                Action: [logs:CreateLogStream, logs:PutLogEvents]\n",
        "                NotAction: logs:DeleteLogGroup\n",
    ),
    Mutation("IAM_ROLE_NO_PASSROLE_STAR", SECURE, ":role/web/*", ":role/*"),
    Mutation("IAM_ROLE_NO_STAR_ACTION", SECURE, "[logs:CreateLogStream, logs:PutLogEvents]", "logs:*"),
    Mutation(
        "IAM_ROLE_NO_STAR_ACTION",
        SECURE,
        "Action: ecr:GetAuthorizationToken",
        'Action: "*"',
        ("IAM_ROLE_NO_STAR_RESOURCE", "IAM_ROLE_NO_PASSROLE_STAR"),
    ),
    Mutation(
        "IAM_ROLE_NO_STAR_RESOURCE",
        SECURE,
        "Action: ecr:GetAuthorizationToken",
        "Action: [ecr:GetAuthorizationToken, ecr:BatchGetImage]",
    ),
    Mutation("IAM_ROLE_TRUST_NO_WILDCARD", SECURE, "Service: vpc-flow-logs.amazonaws.com", 'AWS: "*"'),
    Mutation(
        "IAM_ROLE_TRUST_NO_WILDCARD",
        SECURE,
        "            Action: sts:AssumeRole\n            Condition:\n              ArnLike:",
        "            Action: sts:*\n            Condition:\n              ArnLike:",
    ),
    Mutation("LOGS_LOG_GROUP_RETENTION", SECURE, "      RetentionInDays: 400\n", ""),
    Mutation("LOGS_LOG_GROUP_RETENTION", FARGATE, "      RetentionInDays: 365\n", ""),
)
