from __future__ import annotations

from typing import Any

import pytest

from preflight.rehearsal import server, zones

REGION = "ap-northeast-1"
FAR = "vpc-elsewhere"


@pytest.fixture
def vpc(account: server.Server) -> str:
    """A VPC with a private zone of Route 53, and a namespace of Cloud Map below it."""
    ec2, route53, cloud_map = (account.account.client(name, REGION) for name in ("ec2", "route53", "servicediscovery"))
    made: str = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    zone = route53.create_hosted_zone(
        Name="example.internal",
        CallerReference="x",
        VPC={"VPCId": made, "VPCRegion": REGION},
        HostedZoneConfig={"PrivateZone": True},
    )["HostedZone"]["Id"]
    records = {"db.example.internal": ("A", "10.9.0.7"), "www.example.internal": ("CNAME", "db.example.internal.")}
    changes = [
        {
            "Action": "CREATE",
            "ResourceRecordSet": {"Name": name, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value}]},
        }
        for name, (kind, value) in records.items()
    ]
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})
    namespace = named(cloud_map, "apps.example.internal", made)
    config = {"NamespaceId": namespace, "DnsRecords": [{"Type": "A", "TTL": 5}, {"Type": "SRV", "TTL": 5}]}
    service = cloud_map.create_service(Name="Web", DnsConfig=config)["Service"]["Id"]
    cloud_map.create_service(Name="empty", DnsConfig=config)
    for number in range(10):
        attributes = {"AWS_INSTANCE_IPV4": f"10.9.1.{number}", "AWS_INSTANCE_PORT": "80"}
        cloud_map.register_instance(ServiceId=service, InstanceId=f"t{number}", Attributes=attributes)
    return made


def named(cloud_map: Any, name: str, vpc: str) -> str:
    operation = cloud_map.create_private_dns_namespace(Name=name, Vpc=vpc)["OperationId"]
    return str(cloud_map.get_operation(OperationId=operation)["Operation"]["Targets"]["NAMESPACE"])


@pytest.mark.parametrize(
    ("name", "kind", "records"),
    [
        ("db.example.internal", "A", ["10.9.0.7"]),
        ("DB.example.internal.", "A", ["10.9.0.7"]),
        ("www.example.internal", "A", ["10.9.0.7"]),
        ("db.example.internal", "AAAA", []),
        ("mail.example.internal", "A", None),
        ("t3.web.apps.example.internal", "A", ["10.9.1.3"]),
        ("t99.web.apps.example.internal", "A", None),
        ("empty.apps.example.internal", "A", None),
        ("web.apps.example.internal", "TXT", []),
        ("example.com", "A", None),
    ],
)
def test_a_name_of_the_vpc_has_its_records(
    account: server.Server, vpc: str, name: str, kind: str, records: list[str] | None
) -> None:
    assert zones.Zones(account.account).look_up(REGION, vpc, name, kind) == records


def test_a_service_of_cloud_map_answers_with_eight_instances_at_most(account: server.Server, vpc: str) -> None:
    known = zones.Zones(account.account)

    addresses = known.look_up(REGION, vpc, "web.apps.example.internal", "A")
    places = known.look_up(REGION, vpc, "web.apps.example.internal", "SRV")

    assert addresses == [f"10.9.1.{n}" for n in range(8)]
    assert places is not None
    assert places[0] == "1 1 80 t0.web.apps.example.internal."


def test_another_vpc_knows_none_of_it(account: server.Server, vpc: str) -> None:
    assert zones.Zones(account.account).look_up(REGION, FAR, "db.example.internal", "A") is None


def test_a_vpc_has_one_namespace_of_a_name(account: server.Server, vpc: str) -> None:
    cloud_map = account.account.client("servicediscovery", REGION)

    with pytest.raises(cloud_map.exceptions.ClientError, match="ConflictingDomainExists"):
        named(cloud_map, "apps.example.internal", vpc)
