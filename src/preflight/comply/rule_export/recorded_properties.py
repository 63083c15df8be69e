"""What AWS Config records of the types whose configuration has the names of CloudFormation's properties.

The names are those of https://github.com/awslabs/aws-config-resource-schema (config/properties/resource-types,
of March 2025), which https://docs.aws.amazon.com/config/latest/developerguide/evaluate-config_develop-rules_cfn-guard.html
names as the place where they stand. Other types are recorded as their Describe calls answer, or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


RECORDED: Mapping[str, frozenset[str]] = {
    "AWS::ECR::Repository": _names(
        "Arn ImageScanningConfiguration ImageTagMutability LifecyclePolicy RegistryId RepositoryName "
        "ScanOnPush"
    ),
    "AWS::ECS::Cluster": _names(
        "Arn Base CapacityProvider CapacityProviders CloudWatchEncryptionEnabled CloudWatchLogGroupName "
        "ClusterName ClusterSettings Configuration DefaultCapacityProviderStrategy "
        "ExecuteCommandConfiguration KmsKeyId LogConfiguration Logging Name S3BucketName "
        "S3EncryptionEnabled S3KeyPrefix Value Weight"
    ),
    "AWS::ECS::Service": _names(
        "AssignPublicIp AwsvpcConfiguration Base CapacityProvider CapacityProviderStrategy Cluster "
        "ContainerName ContainerPort DeploymentCircuitBreaker DeploymentConfiguration DeploymentController "
        "DesiredCount Enable EnableECSManagedTags EnableExecuteCommand Expression Field "
        "HealthCheckGracePeriodSeconds LaunchType LoadBalancerName LoadBalancers MaximumPercent "
        "MinimumHealthyPercent Name NetworkConfiguration PlacementConstraints PlacementStrategies "
        "PlatformVersion Port PropagateTags RegistryArn Role Rollback SchedulingStrategy SecurityGroups "
        "ServiceArn ServiceName ServiceRegistries Subnets TargetGroupArn TaskDefinition Type Weight"
    ),
    "AWS::ECS::TaskDefinition": _names(
        "AccessPointId Add AuthorizationConfig Autoprovision Capabilities Command Condition "
        "ContainerDefinitions ContainerName ContainerPath ContainerPort Cpu CredentialsParameter DependsOn "
        "DeviceName DeviceType Devices DisableNetworking DnsSearchDomains DnsServers DockerSecurityOptions "
        "DockerVolumeConfiguration Domain Driver Drop EfsVolumeConfiguration EntryPoint Environment "
        "EnvironmentFiles Essential ExecutionRoleArn Expression ExtraHosts Family FileSystemId "
        "FirelensConfiguration FsxWindowsFileServerVolumeConfiguration HardLimit HealthCheck Host HostPath "
        "HostPort Hostname Iam Image InferenceAccelerators InitProcessEnabled Interactive Interval "
        "IpAddress IpcMode Links LinuxParameters LogConfiguration LogDriver MaxSwap Memory "
        "MemoryReservation MountOptions MountPoints Name Namespace NetworkMode Permissions PidMode "
        "PlacementConstraints PortMappings Privileged Properties Protocol ProxyConfiguration PseudoTerminal "
        "ReadOnly ReadonlyRootFilesystem RepositoryCredentials RequiresCompatibilities ResourceRequirements "
        "Retries RootDirectory Scope SecretOptions Secrets SharedMemorySize Size SoftLimit SourceContainer "
        "SourcePath SourceVolume StartPeriod StartTimeout Status StopTimeout Swappiness SystemControls "
        "TaskDefinitionArn TaskRoleArn Timeout Tmpfs TransitEncryption TransitEncryptionPort Type Ulimits "
        "User Value ValueFrom Volumes VolumesFrom WorkingDirectory"
    ),
    "AWS::ECS::TaskSet": _names(
        "AssignPublicIp AwsVpcConfiguration Cluster ContainerName ContainerPort ExternalId Id LaunchType "
        "LoadBalancerName LoadBalancers NetworkConfiguration PlatformVersion Port RegistryArn Scale "
        "SecurityGroups Service ServiceRegistries Subnets TargetGroupArn TaskDefinition Unit Value"
    ),
    "AWS::ElasticLoadBalancingV2::Listener": _names(
        "AlpnPolicy AuthenticateCognitoConfig AuthenticateOidcConfig AuthorizationEndpoint CertificateArn "
        "Certificates ClientId ContentType DefaultActions DurationSeconds Enabled FixedResponseConfig "
        "ForwardConfig Host IsDefault Issuer ListenerArn LoadBalancerArn OnUnauthenticatedRequest Order "
        "Path Port Protocol Query RedirectConfig Scope SessionCookieName SessionTimeout SslPolicy "
        "StatusCode TargetGroupArn TargetGroupStickinessConfig TargetGroups TokenEndpoint Type "
        "UseExistingClientSecret UserInfoEndpoint UserPoolArn UserPoolClientId UserPoolDomain Weight"
    ),
}
GIVEN_BY_AWS: Mapping[str, str] = {
    "ClusterName": "every cluster",
    "RepositoryName": "every repository",
    "Role": "services, of which it is the service-linked role",
    "ServiceName": "every service",
}
