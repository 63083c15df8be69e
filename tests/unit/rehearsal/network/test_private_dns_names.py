from __future__ import annotations

from typing import Any

import pytest

from preflight.rehearsal.network.private_dns_names import PrivateDnsNames
from preflight.rehearsal.server import Server

REGION = "ap-northeast-1"
FAR = "vpc-elsewhere"
BALANCER = "internal-x.elb.amazonaws.com"


@pytest.fixture
def vpc(account: Server) -> str:
    """A VPC with a private zone of Route 53, and a namespace of Cloud Map below it."""
    ec2, route53, cloud_map = (account.account.client(name, REGION) for name in ("ec2", "route53", "servicediscovery"))
    vpc_id: str = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    zone = route53.create_hosted_zone(
        Name="example.internal",
        CallerReference="x",
        VPC={"VPCId": vpc_id, "VPCRegion": REGION},
        HostedZoneConfig={"PrivateZone": True},
    )["HostedZone"]["Id"]
    records = {
        "db.example.internal": ("A", "10.9.0.7"),
        "www.example.internal": ("CNAME", "db.example.internal."),
        "lb.example.internal": ("CNAME", f"{BALANCER}."),
    }
    changes: list[Any] = [
        {
            "Action": "CREATE",
            "ResourceRecordSet": {"Name": name, "Type": record_type, "TTL": 60, "ResourceRecords": [{"Value": value}]},
        }
        for name, (record_type, value) in records.items()
    ]
    alias = {"HostedZoneId": "Z1", "DNSName": f"dualstack.{BALANCER}.", "EvaluateTargetHealth": False}
    named_alias = {"Name": "alias.example.internal", "Type": "A", "AliasTarget": alias}
    changes.append({"Action": "CREATE", "ResourceRecordSet": named_alias})
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})
    register_services(cloud_map, vpc_id)
    return vpc_id


def register_services(cloud_map: Any, vpc_id: str) -> None:
    """Makes a namespace with a service of addresses, one of ports, an empty one, and two with one instance each."""
    namespace = create_namespace(cloud_map, "apps.example.internal", vpc_id)
    config = {"NamespaceId": namespace, "DnsRecords": [{"Type": "A", "TTL": 5}]}
    cloud_map.create_service(Name="empty", DnsConfig=config)
    for name, record_type in (("Web", "A"), ("Ports", "SRV")):
        records_of_service = [{"Type": record_type, "TTL": 5}]
        service = cloud_map.create_service(Name=name, DnsConfig={**config, "DnsRecords": records_of_service})["Service"]["Id"]
        for number in range(10):
            attributes = {"AWS_INSTANCE_IPV4": f"10.9.1.{number}", "AWS_INSTANCE_PORT": "80"}
            cloud_map.register_instance(ServiceId=service, InstanceId=f"t{number}", Attributes=attributes)
    for name, attributes in (
        ("api.web", {"AWS_INSTANCE_IPV4": "10.9.3.3"}),
        ("far", {"AWS_INSTANCE_CNAME": "x.example"}),
    ):
        other = cloud_map.create_service(Name=name, DnsConfig=config)["Service"]["Id"]
        cloud_map.register_instance(ServiceId=other, InstanceId="t", Attributes=attributes)


def create_namespace(cloud_map: Any, name: str, vpc: str) -> str:
    operation = cloud_map.create_private_dns_namespace(Name=name, Vpc=vpc)["OperationId"]
    return str(cloud_map.get_operation(OperationId=operation)["Operation"]["Targets"]["NAMESPACE"])


@pytest.mark.parametrize(
    ("name", "record_type", "records"),
    [
        pytest.param("db.example.internal", "A", ["10.9.0.7"], id="an address"),
        pytest.param("www.example.internal", "A", ["10.9.0.7"], id="another name of it"),
        pytest.param("db.example.internal", "AAAA", [], id="no record of that type"),
        pytest.param("mail.example.internal", "A", None, id="no record"),
        pytest.param("lb.example.internal", "A", ["10.9.2.2"], id="another name of what no zone covers"),
        pytest.param("alias.example.internal", "A", ["10.9.2.2"], id="an alias of what no zone covers"),
        pytest.param("t3.web.apps.example.internal", "A", ["10.9.1.3"], id="one instance"),
        pytest.param("t99.web.apps.example.internal", "A", None, id="no such instance"),
        pytest.param("t.api.web.apps.example.internal", "A", ["10.9.3.3"], id="one instance of a service with a dot"),
        pytest.param("api.web.apps.example.internal", "A", ["10.9.3.3"], id="a service with a dot"),
        pytest.param("empty.apps.example.internal", "A", None, id="a service without instances"),
        pytest.param("far.apps.example.internal", "A", [], id="an instance without an address"),
        pytest.param("web.apps.example.internal", "TXT", [], id="a type that the service does not keep"),
        pytest.param("example.com", "A", None, id="in no zone"),
        pytest.param(BALANCER, "A", ["10.9.2.2"], id="in no private zone, but public"),
        pytest.param(BALANCER, "AAAA", [], id="another type of a public name"),
    ],
)
def test_a_name_of_the_vpc_has_its_records(
    account: Server, vpc: str, name: str, record_type: str, records: list[str] | None
) -> None:
    public = {BALANCER: ["10.9.2.2"]}.get

    assert PrivateDnsNames(account.account).look_up(REGION, vpc, name, record_type, public=public) == records


def test_a_service_of_cloud_map_answers_with_eight_instances_at_most(account: Server, vpc: str) -> None:
    private_dns = PrivateDnsNames(account.account)

    addresses = private_dns.look_up(REGION, vpc, "web.apps.example.internal", "A") or []
    services = private_dns.look_up(REGION, vpc, "ports.apps.example.internal", "SRV") or []

    assert len(set(addresses)) == 8
    assert set(addresses) <= {f"10.9.1.{n}" for n in range(10)}
    assert len(set(services)) == 8
    assert set(services) <= {f"1 1 80 t{n}.ports.apps.example.internal." for n in range(10)}


def test_another_vpc_does_not_resolve_the_name(account: Server, vpc: str) -> None:
    assert PrivateDnsNames(account.account).look_up(REGION, FAR, "db.example.internal", "A") is None


def test_a_vpc_has_one_namespace_of_a_name(account: Server, vpc: str) -> None:
    cloud_map = account.account.client("servicediscovery", REGION)

    with pytest.raises(cloud_map.exceptions.ClientError, match="ConflictingDomainExists"):
        create_namespace(cloud_map, "apps.example.internal", vpc)


def test_the_name_of_a_deleted_namespace_is_free_again(account: Server, vpc: str) -> None:
    cloud_map = account.account.client("servicediscovery", REGION)
    cloud_map.delete_namespace(Id=create_namespace(cloud_map, "once.internal", vpc))

    assert create_namespace(cloud_map, "once.internal", vpc)
