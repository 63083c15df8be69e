from __future__ import annotations

from typing import Any

from preflight.rehearsal.containers import task_spec
from preflight.rehearsal.containers.task_spec import TaskSpec
from preflight.rehearsal.tasks import metadata_endpoint_v4

CONTAINER_ID = "ab" * 16
INTERFACE = {"attachmentId": "a", "privateIpv4Address": "10.0.1.4"}


def spec(**container: Any) -> TaskSpec:
    return task_spec.from_task_definition(
        {
            "family": "f",
            "revision": 3,
            "cpu": "256",
            "memory": "512",
            "containerDefinitions": [{"name": "a", "image": "i", **container}],
        }
    )


def task(**container: Any) -> dict[str, Any]:
    """A task with one container, as DescribeTasks returns it."""
    return {
        "clusterArn": "c",
        "taskArn": "arn:task/x/0123",
        "desiredStatus": "RUNNING",
        "lastStatus": "RUNNING",
        "group": "service:web",
        "containers": [
            {"name": "a", "containerArn": f"arn:container/x/0123/{CONTAINER_ID}", "lastStatus": "RUNNING", **container}
        ],
    }


def test_the_metadata_of_a_container_names_its_stream() -> None:
    options = {"awslogs-group": "g", "awslogs-region": "r", "awslogs-stream-prefix": "p"}
    log = {"logDriver": "awslogs", "options": options}

    container = metadata_endpoint_v4.container_metadata(task(), spec(logConfiguration=log), {}, "a", block="10.0.1.0/24")

    assert container["LogOptions"] == {"awslogs-group": "g", "awslogs-region": "r", "awslogs-stream": "p/a/0123"}
    assert container["Labels"]["com.amazonaws.ecs.task-definition-version"] == "3"


def test_the_metadata_of_a_container_has_its_network() -> None:
    description = task(networkInterfaces=[INTERFACE])

    container = metadata_endpoint_v4.container_metadata(description, spec(), {}, "a", block="10.0.1.0/24")

    assert container["Networks"] == [
        {
            "NetworkMode": "awsvpc",
            "IPv4Addresses": ["10.0.1.4"],
            "AttachmentIndex": 0,
            "IPv4SubnetCIDRBlock": "10.0.1.0/24",
            "SubnetGatewayIpv4Address": "10.0.1.1/24",
            "DomainNameServers": ["10.0.1.2"],
        }
    ]


def test_a_container_that_runs_has_a_network_although_none_is_described() -> None:
    container = metadata_endpoint_v4.container_metadata(task(), spec(), {"a": "id"}, "a", block="10.0.1.0/24")

    assert container["Networks"][0]["IPv4Addresses"] == []


def test_a_container_that_neither_runs_nor_has_an_interface_has_no_network() -> None:
    container = metadata_endpoint_v4.container_metadata(task(), spec(), {}, "a", block="10.0.1.0/24")

    assert container["Networks"] == []


def test_the_metadata_of_a_task_has_its_service_zone_and_containers() -> None:
    description = metadata_endpoint_v4.task_metadata(task(), spec(), {}, block="10.0.1.0/24", zone="eu-west-1a")

    assert description["ServiceName"] == "web"
    assert description["AvailabilityZone"] == "eu-west-1a"
    assert description["Limits"] == {"CPU": 0.25, "Memory": 512}
    assert [container["Name"] for container in description["Containers"]] == ["a"]


def test_a_task_without_a_service_names_none() -> None:
    description = metadata_endpoint_v4.task_metadata({**task(), "group": "family:f"}, spec(), {}, block="10.0.1.0/24", zone="z")

    assert "ServiceName" not in description
