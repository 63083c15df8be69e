"""What a property is for, and so what stands for it in a draft: an output of the account's template, or a plain text. Pure.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from preflight.plan.draft import account_resources as account
from preflight.plan.draft.uses import IMPORT, Use

PUBLIC = "public.ecr.aws/nginx/nginx"  # an image that runs
_ECS, _ELB = "AWS::ECS::Service", "AWS::ElasticLoadBalancingV2::"
_TASK, _GROUP, _LISTENER = "AWS::ECS::TaskDefinition", f"{_ELB}TargetGroup", f"{_ELB}Listener"
_SCALABLE, _SCALING = "AWS::ApplicationAutoScaling::ScalableTarget", "AWS::ApplicationAutoScaling::ScalingPolicy"
_AWSVPC = "NetworkConfiguration.AwsvpcConfiguration"
_EFS = "Volumes.EFSVolumeConfiguration"
_DNS = "AWS::Route53::RecordSet"
_SUBNETS = (f"{_ECS} {_AWSVPC}.Subnets", f"{_ELB}LoadBalancer Subnets", f"{_ELB}LoadBalancer SubnetMappings.SubnetId", "* SubnetIds", "* SubnetId", "* VPCZoneIdentifier")
_SECURITY_GROUPS = (f"{_ECS} {_AWSVPC}.SecurityGroups", f"{_ELB}LoadBalancer SecurityGroups", "* SecurityGroupIds", "* SecurityGroupId", "* SourceSecurityGroupId", "* VPCSecurityGroups", "* VpcSecurityGroupIds", "* DestinationSecurityGroupId", "AWS::EC2::SecurityGroupIngress GroupId", "AWS::EC2::SecurityGroupEgress GroupId")
_TARGET_GROUPS = (f"{_ECS} LoadBalancers.TargetGroupArn", "* DefaultActions.TargetGroupArn", "* Actions.TargetGroupArn", "* ForwardConfig.TargetGroups.TargetGroupArn", "* TargetGroupARNs")
_ROLES = (f"{_SCALABLE} RoleARN", "* Targets.RoleArn", "* RoleArn", "* ServiceRoleArn", "* ServiceRole", "AWS::Lambda::Function Role", "AWS::CodePipeline::Pipeline RoleArn", "* RoleARN")
_OUTPUTS: Mapping[str, Iterable[str]] = {
    account.VPC: ("* VpcId", "* VPCId", "AWS::ServiceDiscovery::PrivateDnsNamespace Vpc"),
    account.SUBNET: _SUBNETS,
    account.SECURITY_GROUP: _SECURITY_GROUPS,
    account.CLUSTER: (f"{_ECS} Cluster", "AWS::ECS::TaskSet Cluster", "AWS::ECS::ClusterCapacityProviderAssociations Cluster", "* ClusterName"),
    account.CLUSTER_ARN: ("AWS::Events::Rule Targets.Arn",),
    account.CAPACITY_PROVIDER: ("* CapacityProviderStrategy.CapacityProvider",),  # Fargate's need no parameter
    account.TARGET_GROUP: _TARGET_GROUPS,
    account.LISTENER: (f"{_LISTENER}Rule ListenerArn", f"{_LISTENER}Certificate ListenerArn"),
    account.BALANCER: (f"{_LISTENER} LoadBalancerArn", "AWS::WAFv2::WebACLAssociation ResourceArn"),
    account.BALANCER_NAME: (f"{_DNS} AliasTarget.DNSName", "AWS::CloudFront::Distribution DistributionConfig.Origins.DomainName"),
    account.BALANCER_ZONE: (f"{_DNS} AliasTarget.HostedZoneId",),
    account.EXECUTION_ROLE: (f"{_TASK} ExecutionRoleArn",),
    account.TASK_ROLE: (f"{_TASK} TaskRoleArn",),
    account.SERVICE_ROLE: _ROLES,
    account.FILE_SYSTEM: (f"{_TASK} {_EFS}.FilesystemId", "AWS::EFS::MountTarget FileSystemId", "AWS::EFS::AccessPoint FileSystemId"),
    account.ACCESS_POINT: (f"{_TASK} {_EFS}.AuthorizationConfig.AccessPointId",),
    account.NAMESPACE: ("AWS::ServiceDiscovery::Service NamespaceId", "AWS::ServiceDiscovery::Service DnsConfig.NamespaceId"),
    account.NAMESPACE_ARN: (f"{_ECS} ServiceConnectConfiguration.Namespace",),
    account.REGISTRY: (f"{_ECS} ServiceRegistries.RegistryArn",),
    account.CERTIFICATE: (f"{_LISTENER} Certificates.CertificateArn", f"{_LISTENER}Certificate Certificates.CertificateArn", "* ViewerCertificate.AcmCertificateArn"),
    account.ZONE: ("* HostedZoneId",),
    account.SECRET: (f"{_TASK} ContainerDefinitions.Secrets.ValueFrom", f"{_TASK} ContainerDefinitions.RepositoryCredentials.CredentialsParameter"),
    account.KEY: ("* KmsKeyId", "* KMSMasterKeyId", "* KmsMasterKeyId", "* KmsKeyArn"),
    account.LOG_GROUP: ("* Options.awslogs-group", "AWS::Logs::MetricFilter LogGroupName", "AWS::Logs::SubscriptionFilter LogGroupName"),
    account.BUCKET: ("AWS::S3::BucketPolicy Bucket",),
    account.TOPIC: ("* AlarmActions", "* OKActions", "* InsufficientDataActions", "AWS::SNS::Subscription TopicArn", "AWS::SNS::TopicPolicy Topics"),
    account.QUEUE: ("AWS::SQS::QueuePolicy Queues",),
    account.TASK_DEFINITION: (f"{_ECS} TaskDefinition", "AWS::ECS::TaskSet TaskDefinition", "AWS::Events::Rule Targets.EcsParameters.TaskDefinitionArn"),
}
_TEXTS: Mapping[str, Iterable[str]] = {
    "HTTP": (f"{_GROUP} Protocol", f"{_LISTENER} Protocol", f"{_GROUP} HealthCheckProtocol"),
    "80": (f"{_GROUP} Port", f"{_LISTENER} Port", f"{_ECS} LoadBalancers.ContainerPort", f"{_TASK} ContainerDefinitions.PortMappings.ContainerPort", f"{_TASK} ContainerDefinitions.PortMappings.HostPort"),
    "/": (f"{_GROUP} HealthCheckPath",),
    "/*": (f"{_LISTENER}Rule Conditions.Values", f"{_LISTENER}Rule Conditions.PathPatternConfig.Values"),
    "example.com": (f"{_LISTENER}Rule Conditions.HostHeaderConfig.Values", f"{_DNS} Name", "* DomainName"),
    "example.com.": (f"{_DNS} HostedZoneName",),
    "200": (f"{_GROUP} Matcher.HttpCode",),
    "30": (f"{_GROUP} HealthCheckIntervalSeconds", "AWS::Logs::LogGroup RetentionInDays"),
    "5": (f"{_GROUP} HealthCheckTimeoutSeconds",),
    "2": (f"{_GROUP} HealthyThresholdCount", f"{_GROUP} UnhealthyThresholdCount", f"{_SCALABLE} MaxCapacity"),
    "1": (f"{_LISTENER}Rule Priority", f"{_ECS} DesiredCount", f"{_SCALABLE} MinCapacity"),
    "50": (f"{_SCALING} TargetTrackingScalingPolicyConfiguration.TargetValue",),
    "60": ("* ScaleInCooldown", "* ScaleOutCooldown", "* Cooldown", f"{_ECS} HealthCheckGracePeriodSeconds"),
    "256": (f"{_TASK} Cpu",),
    "512": (f"{_TASK} Memory",),
    "10.0.0.0/16": ("* CidrIp",),
    "{region}": ("* Options.awslogs-region",),
    "s3:GetObject": ("* Statement.Action",),
    "arn:aws:s3:::{bucket}": ("* Statement.Resource",),
    "{prefix}": (f"{IMPORT} ",),
}
_BY_PROPERTY = {key: text for text, keys in _TEXTS.items() for key in keys} | {key: f"{{output.{name}}}" for name, keys in _OUTPUTS.items() for key in keys}
_BY_LABEL = {"ClusterName": account.CLUSTER, "LoadBalancer": account.BALANCER_FULL_NAME, "TargetGroup": account.TARGET_GROUP_FULL_NAME}  # a metric's dimension
_IMAGE, _RESOURCE, _LABEL = f"{_TASK} ContainerDefinitions.Image", f"{_SCALABLE} ResourceId", f"{_SCALING} TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification.ResourceLabel"
_PARTS = (
    (_IMAGE, r"", PUBLIC),
    (_IMAGE, r"\$\{[^}]*\}:", "stable"),
    ("* CidrIp", r"", "10.0.0.1"),
    (_RESOURCE, r"service/", f"{{output.{account.CLUSTER}}}"),
    (_LABEL, r"", f"{{output.{account.BALANCER_FULL_NAME}}}"),
    (_LABEL, r".*/", f"{{output.{account.TARGET_GROUP_FULL_NAME}}}"),
    (f"{_TASK} ExecutionRoleArn", r"arn:.*:role/", f"{{output.{account.EXECUTION_ROLE_NAME}}}"),
    (f"{_TASK} TaskRoleArn", r"arn:.*:role/", f"{{output.{account.TASK_ROLE_NAME}}}"),
)
_SINGLE = f"{{output.{account.SUBNET}}}"


def texts(uses: Sequence[Use]) -> Iterator[str]:
    """Yields what may stand for something that is used so, as the value in a plan; what the account has comes first."""
    found = [text for use in uses for text in _of(use)]
    if any(use.kind == IMPORT for use in uses) or (f"{{output.{account.CLUSTER}}}" in found and any(_is_part_of_new_name(use) for use in uses)):
        found = [text for text in found if "{output." not in text]  # the account's cluster can have any name, but an export is imported by its exact name
    yield from dict.fromkeys(text for text in found if "{output." in text)
    yield from dict.fromkeys(text for text in found if "{output." not in text)


def highest_index(uses: Iterable[Use]) -> int:
    """Returns the highest index by which an item of a list of subnets is taken."""
    return max((use.index for use in uses if use.is_list and _by_property(use) == _SINGLE), default=0)


def is_new_name(uses: Sequence[Use]) -> bool:
    """Whether it is the name of something that the template creates, and so of nothing that the account has."""
    names = [use for use in uses if use.path in {("Name",), (f"{use.kind.rpartition(':')[2]}Name",)} and use.key not in _BY_PROPERTY]
    is_of_account = any("{output." in text for text in texts(uses))
    return any(use.before is None or not is_of_account for use in names)


def _is_part_of_new_name(use: Use) -> bool:
    """Whether something is the beginning of the name of what the template creates."""
    return use.before == "" and use.path in {("Name",), (f"{use.kind.rpartition(':')[2]}Name",)}


def _of(use: Use) -> Iterator[str]:
    if use.before is not None:
        yield from (text for key, before, text in _PARTS if key in {use.key, f"* {use.path[-1]}"} and re.fullmatch(before, use.before))
        return
    if use.path[-2:] == ("Dimensions", "Value") and use.label in _BY_LABEL:
        yield f"{{output.{_BY_LABEL[use.label]}}}"
    if use.key == _IMAGE:
        yield f"{PUBLIC}:stable"
    text = _by_property(use)
    if text == _SINGLE and (use.is_list or not (use.is_item or use.path[-1] == "SubnetId")):
        yield f"{{output.{account.SUBNETS}}}"
    elif text is not None:
        yield text


def _by_property(use: Use) -> str | None:
    exact = _BY_PROPERTY.get(use.key)
    tails = (f"* {'.'.join(use.path[-n:])}" for n in (3, 2, 1) if len(use.path) >= n)
    return exact or next((_BY_PROPERTY[tail] for tail in tails if tail in _BY_PROPERTY), None)
