"""What is lost when an update replaces or removes a resource: data for good, or an identity that others know.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html
"""

from __future__ import annotations

from dataclasses import dataclass

LOSES_DATA = "UPDATE_LOSES_DATA"
CHANGES_IDENTITY = "UPDATE_CHANGES_IDENTITY"
REPLACES_SERVICE = "UPDATE_REPLACES_SERVICE"
STOPS_ALL_TASKS = "UPDATE_STOPS_ALL_TASKS"
CHECKS = {
    LOSES_DATA: "an update replaces or removes a resource that holds data",
    CHANGES_IDENTITY: "an update replaces or removes an address or a name that others may know",
    REPLACES_SERVICE: "an update replaces an ECS service instead of updating it",
    STOPS_ALL_TASKS: "an update may stop all tasks of a service before new ones run",
}


@dataclass(frozen=True)
class Loss:
    """What a resource holds: data, or an identity such as an address."""

    what: str
    is_data: bool = True


_DATABASE = Loss("its databases")
_NAMES = Loss("the names in it, under which services find each other", is_data=False)
_LOSSES = {
    "AWS::Backup::BackupVault": Loss("its recovery points"),
    "AWS::Cognito::UserPool": Loss("its users"),
    "AWS::DocDB::DBCluster": _DATABASE,
    "AWS::DynamoDB::GlobalTable": Loss("its items"),
    "AWS::DynamoDB::Table": Loss("its items"),
    "AWS::EC2::Volume": Loss("what is stored on it"),
    "AWS::ECR::Repository": Loss("its images, without which tasks of today's task definitions cannot start"),
    "AWS::EFS::FileSystem": Loss("its files"),
    "AWS::ElastiCache::CacheCluster": Loss("what it caches"),
    "AWS::ElastiCache::ReplicationGroup": Loss("what it caches"),
    "AWS::FSx::FileSystem": Loss("its files"),
    "AWS::KMS::Key": Loss("everything it has encrypted: nothing else can decrypt that"),
    "AWS::Kinesis::Stream": Loss("its records"),
    "AWS::Logs::LogGroup": Loss("its log events"),
    "AWS::MemoryDB::Cluster": Loss("its data"),
    "AWS::MSK::Cluster": Loss("its topics"),
    "AWS::Neptune::DBCluster": _DATABASE,
    "AWS::OpenSearchService::Domain": Loss("its indexes"),
    "AWS::RDS::DBCluster": _DATABASE,
    "AWS::RDS::DBInstance": _DATABASE,
    "AWS::Redshift::Cluster": _DATABASE,
    "AWS::S3::Bucket": Loss("its objects (AWS deletes a bucket only if it is empty)"),
    "AWS::SQS::Queue": Loss("the messages in it"),
    "AWS::SecretsManager::Secret": Loss("its value, and the versions of it"),
    "AWS::Timestream::Table": Loss("its records"),
    "AWS::ApiGateway::RestApi": Loss("its URL", is_data=False),
    "AWS::ApiGatewayV2::Api": Loss("its URL", is_data=False),
    "AWS::CloudFront::Distribution": Loss("its domain name", is_data=False),
    "AWS::EC2::EIP": Loss("its public address", is_data=False),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": Loss("its DNS name and addresses", is_data=False),
    "AWS::IAM::AccessKey": Loss("the key that its users sign with", is_data=False),
    "AWS::Route53::HostedZone": Loss("its name servers and records", is_data=False),
    "AWS::ServiceDiscovery::HttpNamespace": _NAMES,
    "AWS::ServiceDiscovery::PrivateDnsNamespace": _NAMES,
    "AWS::ServiceDiscovery::PublicDnsNamespace": _NAMES,
}


def of(kind: str) -> Loss | None:
    """Returns what a resource of that type holds, None if nothing is lost with it."""
    return _LOSSES.get(kind)
