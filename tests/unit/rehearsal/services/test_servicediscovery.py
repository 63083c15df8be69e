"""What Cloud Map refuses for what an account has already, and for the kind of a namespace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[[str], Any]
RECORDS = {"DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 10}]}}
CHECK = {"HealthCheckConfig": {"Type": "HTTP"}}


@pytest.fixture
def cloud_map(client: Client) -> Any:
    return client("servicediscovery")


@pytest.fixture
def private(client: Client, cloud_map: Any) -> str:
    vpc = client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return created(cloud_map, cloud_map.create_private_dns_namespace(Name="internal", Vpc=vpc))


@pytest.fixture
def http(cloud_map: Any) -> str:
    return created(cloud_map, cloud_map.create_http_namespace(Name="api"))


def created(cloud_map: Any, response: dict[str, Any]) -> str:
    return str(cloud_map.get_operation(OperationId=response["OperationId"])["Operation"]["Targets"]["NAMESPACE"])


def code(act: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as raised:
        act()
    return str(raised.value.response["Error"]["Code"])


def test_a_private_namespace_takes_no_health_checks_of_route_53(cloud_map: Any, private: str) -> None:
    assert code(lambda: cloud_map.create_service(Name="web", NamespaceId=private, **RECORDS, **CHECK)) == "InvalidInput"


def test_an_http_namespace_takes_no_records(cloud_map: Any, http: str) -> None:
    assert code(lambda: cloud_map.create_service(Name="web", NamespaceId=http, **RECORDS)) == "InvalidInput"


def test_an_http_namespace_takes_health_checks(cloud_map: Any, http: str) -> None:
    assert cloud_map.create_service(Name="web", NamespaceId=http, **CHECK)["Service"]["Name"] == "web"


def test_a_service_needs_a_namespace_that_there_is(cloud_map: Any) -> None:
    assert code(lambda: cloud_map.create_service(Name="web", NamespaceId="ns-1")) == "NamespaceNotFound"


def test_names_of_dns_differ_in_more_than_case(cloud_map: Any, private: str) -> None:
    cloud_map.create_service(Name="web", NamespaceId=private, **RECORDS)

    assert code(lambda: cloud_map.create_service(Name="WEB", NamespaceId=private, **RECORDS)) == "ServiceAlreadyExists"


def test_names_of_an_http_namespace_differ_in_case_alone(cloud_map: Any, http: str) -> None:
    cloud_map.create_service(Name="web", NamespaceId=http)

    assert cloud_map.create_service(Name="WEB", NamespaceId=http)["Service"]["Name"] == "WEB"


def test_a_region_has_one_http_namespace_of_a_name(cloud_map: Any, http: str) -> None:
    assert code(lambda: cloud_map.create_http_namespace(Name="api")) == "NamespaceAlreadyExists"


def test_a_cluster_creates_the_namespace_that_it_names(client: Client, cloud_map: Any) -> None:
    client("ecs").create_cluster(clusterName="c", serviceConnectDefaults={"namespace": "api"})

    assert code(lambda: cloud_map.create_http_namespace(Name="api")) == "NamespaceAlreadyExists"


def test_a_cluster_takes_the_namespace_that_there_is(client: Client, cloud_map: Any, http: str) -> None:
    client("ecs").create_cluster(clusterName="c", serviceConnectDefaults={"namespace": "api"})

    assert [namespace["Id"] for namespace in cloud_map.list_namespaces()["Namespaces"]] == [http]
