"""For each rule of tier practice the changes to a good template that turn it red, and what goes red with it."""

from __future__ import annotations

from tests.unit.artifact.rules.mutation import Mutation
from tests.unit.artifact.rules.mutations_security import FARGATE, SECURE

JOB = """\
  Job:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Tags: [{Key: owner, Value: web}]
      ContainerDefinitions:
        - Name: job
          Image: !Sub "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}/${Repository}:${ImageTag}"
          Memory: 128
          User: nobody
          ReadonlyRootFilesystem: true
          LogConfiguration: {LogDriver: awsfirelens}

"""

REDS = (
    Mutation(
        "CFN_NO_EXPLICIT_RESOURCE_NAMES",
        SECURE,
        "      ClusterSettings:\n",
        "      ClusterName: web\n      ClusterSettings:\n",
    ),
    Mutation("CFN_PARAMETERS_CONSTRAINED", SECURE, "    AllowedValues: [256, 512]\n", ""),
    Mutation("CFN_PARAMETERS_CONSTRAINED", FARGATE, "    AllowedValues: [1024, 2048, 3072, 4096]\n", ""),
    Mutation("CFN_PARAMETERS_CONSTRAINED", FARGATE, "Type: AWS::EC2::VPC::Id", "Type: String"),
    Mutation("CFN_PARTITION_SAFE_ARNS", SECURE, '- !Sub "arn:${AWS::Partition}:iam::aws', '- !Sub "arn:aws:iam::aws'),
    Mutation("CFN_STACK_NOTIFICATION", SECURE, "      NotificationARNs: [!Ref Topic]\n", ""),
    Mutation(
        "EC2_NO_UNRESTRICTED_IGW_ROUTE",
        SECURE,
        "SuppressedRules: [EC2_NO_UNRESTRICTED_IGW_ROUTE]",
        "SuppressedRules: [OTHER]",
    ),
    Mutation("EC2_NO_UNRESTRICTED_IGW_ROUTE", SECURE, "NatGatewayId: !Ref NatGateway", "GatewayId: !Ref InternetGateway"),
    Mutation(
        "EC2_SG_EGRESS_EXPLICIT",
        SECURE,
        "      SecurityGroupEgress:\n        - Description: HTTPS to the tasks\n          IpProtocol: tcp\n          FromPort: 8443\n          ToPort: 8443\n          CidrIp: 10.0.0.0/16\n",
        "",
    ),
    Mutation(
        "EC2_SG_EGRESS_EXPLICIT",
        FARGATE,
        "          IpProtocol: tcp\n          FromPort: 443\n          ToPort: 443\n",
        "          IpProtocol: -1\n",
    ),
    Mutation(
        "EC2_SG_RULE_DESCRIPTION",
        SECURE,
        "        - Description: HTTPS to the tasks\n          IpProtocol",
        "        - IpProtocol",
    ),
    Mutation(
        "EC2_SG_RULE_DESCRIPTION",
        FARGATE,
        "        - Description: HTTP from anywhere\n          IpProtocol",
        "        - IpProtocol",
    ),
    Mutation("ECR_ENCRYPTION_KMS", SECURE, "EncryptionType: KMS", "EncryptionType: AES256"),
    Mutation(
        "ECR_RETAIN_ON_DELETE",
        SECURE,
        "    DeletionPolicy: Retain\n    UpdateReplacePolicy: Retain\n    Properties:\n      ImageTagMutability",
        "    DeletionPolicy: Delete\n    UpdateReplacePolicy: Retain\n    Properties:\n      ImageTagMutability",
    ),
    Mutation("ECS_CLUSTER_MANAGED_STORAGE_CMK", SECURE, "          FargateEphemeralStorageKmsKeyId", "          KmsKeyId"),
    Mutation("ECS_CONTAINER_HEALTH_CHECK", SECURE, "  ScalableTarget:\n", JOB + "  ScalableTarget:\n"),
    Mutation("ECS_CONTAINER_IMAGE_PINNED", SECURE, "cloudwatch-agent:1.300051.0", "cloudwatch-agent:latest"),
    Mutation("ECS_CONTAINER_IMAGE_PINNED", SECURE, "/${Repository}:${ImageTag}", "/${Repository}:latest"),
    Mutation("ECS_CONTAINER_IMAGE_PINNED", FARGATE, "Image: nginx:1.28.0", "Image: nginx"),
    Mutation(
        "ECS_CONTAINER_IMAGE_REGISTRY_ALLOWED",
        SECURE,
        "Image: public.ecr.aws/cloudwatch-agent/cloudwatch-agent",
        "Image: amazon/cloudwatch-agent",
    ),
    Mutation(
        "ECS_CONTAINER_IMAGE_REGISTRY_ALLOWED",
        FARGATE,
        "[ECS_CONTAINER_NON_ROOT_USER, ECS_CONTAINER_IMAGE_REGISTRY_ALLOWED]",
        "[ECS_CONTAINER_NON_ROOT_USER]",
    ),
    Mutation("ECS_CONTAINER_MEMORY_LIMIT", SECURE, "          Memory: 128\n", ""),
    Mutation("ECS_CONTAINER_NO_SECRET_LIKE_ENVIRONMENT", SECURE, "Name: LOG_LEVEL", "Name: API_TOKEN"),
    Mutation("ECS_CONTAINER_PORTS_DECLARED", SECURE, "          PortMappings:\n            - ContainerPort: 8443\n", ""),
    Mutation(
        "ECS_CONTAINER_PORTS_DECLARED",
        FARGATE,
        "          PortMappings:\n            - ContainerPort: !Ref HTTPPort\n              Protocol: tcp\n",
        "",
    ),
    Mutation("ECS_SERVICE_CIRCUIT_BREAKER", SECURE, "          Rollback: true\n", ""),
    Mutation("ECS_SERVICE_CIRCUIT_BREAKER", FARGATE, "          Rollback: true\n", "          Rollback: false\n"),
    Mutation("ECS_SERVICE_DESIRED_COUNT_EXPLICIT", FARGATE, "      DesiredCount: 1\n", ""),
    Mutation("ECS_SERVICE_DESIRED_COUNT_EXPLICIT", FARGATE, "DesiredCount: 1", "DesiredCount: 0"),
    Mutation("ECS_SERVICE_LATEST_TASKDEF_REF", SECURE, "TaskDefinition: !Ref TaskDefinition", "TaskDefinition: web"),
    Mutation("ECS_SERVICE_MULTI_AZ", SECURE, "            - !Ref PrivateSubnet2\n", ""),
    Mutation(
        "ECS_SERVICE_MULTI_AZ",
        FARGATE,
        "[ECS_SERVICE_NO_PUBLIC_IP, ECS_SERVICE_MULTI_AZ]",
        "[ECS_SERVICE_NO_PUBLIC_IP]",
    ),
    Mutation("ECS_SERVICE_PROPAGATE_TAGS", SECURE, "      PropagateTags: SERVICE\n", ""),
    Mutation("ECS_SERVICE_PROPAGATE_TAGS", FARGATE, "PropagateTags: SERVICE", "PropagateTags: NONE"),
    Mutation(
        "ECS_TAGS_REQUIRED",
        SECURE,
        "          FargateEphemeralStorageKmsKeyId: !Ref Key\n      Tags:\n        - Key: owner\n          Value: web\n",
        "          FargateEphemeralStorageKmsKeyId: !Ref Key\n",
    ),
    Mutation(
        "ELBV2_DELETION_PROTECTION", SECURE, '        - Key: deletion_protection.enabled\n          Value: "true"\n', ""
    ),
    Mutation("ELBV2_MULTI_AZ", SECURE, "        - !Ref PublicSubnet2\n", ""),
    Mutation("ELBV2_TARGET_GROUP_ENCRYPTED", SECURE, "      HealthCheckProtocol: HTTPS\n", ""),
    Mutation(
        "ELBV2_TARGET_GROUP_ENCRYPTED",
        SECURE,
        "      Protocol: HTTPS\n      HealthCheckProtocol",
        "      Protocol: HTTP\n      HealthCheckProtocol",
    ),
    Mutation("ELBV2_WAF", SECURE, "ResourceArn: !Ref LoadBalancer", "ResourceArn: !Ref OtherLoadBalancer"),
    Mutation("IAM_NO_USERS", SECURE, "  StartPolicy:\n", "  Robot:\n    Type: AWS::IAM::User\n\n  StartPolicy:\n"),
    Mutation("IAM_ROLE_NO_INLINE_USER", SECURE, "Roles: [!Ref TaskRole]", "Users: [robot]"),
    Mutation(
        "IAM_TASK_ROLE_TRUST_SOURCE_ACCOUNT",
        SECURE,
        "            Condition:\n              StringEquals:\n                aws:SourceAccount: !Ref AWS::AccountId\n",
        "",
    ),
    Mutation(
        "LOGS_LOG_GROUP_KMS",
        SECURE,
        "      RetentionInDays: 400\n      KmsKeyId: !GetAtt Key.Arn\n",
        "      RetentionInDays: 400\n",
    ),
    Mutation("LOGS_LOG_GROUP_RETENTION_YEAR", SECURE, "RetentionInDays: 400", "RetentionInDays: 180"),
    Mutation("LOGS_LOG_GROUP_RETENTION_YEAR", FARGATE, "RetentionInDays: 365", "RetentionInDays: 180"),
)
