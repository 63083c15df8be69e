from __future__ import annotations

from typing import Any

import pytest

from preflight.rehearsal.connectivity import url_schemes


def group(protocol: str, health: str = "TCP", port: str = "traffic-port") -> dict[str, Any]:
    return {"Protocol": protocol, "Port": 9000, "HealthCheckProtocol": health, "HealthCheckPort": port}


@pytest.mark.parametrize(
    ("protocol", "port", "groups", "scheme"),
    [
        pytest.param("HTTPS", 8443, [group("HTTP")], "https", id="the protocol of the listener"),
        pytest.param("TCP", 9000, [group("TCP", "HTTP")], "http", id="the health check of its target group"),
        pytest.param("TCP", 9000, [group("TCP", "HTTPS")], "https", id="an encrypted health check"),
        pytest.param("TCP", 9000, [group("TCP", "HTTP", "9001")], "tcp", id="a health check of another port"),
        pytest.param("TCP", 9000, [group("TCP", "HTTP", "9000")], "http", id="a health check of the same port by number"),
        pytest.param("TCP", 80, [group("TCP")], "http", id="the port of HTTP"),
        pytest.param("TCP", 6379, [group("TCP")], "tcp", id="nothing says HTTP"),
    ],
)
def test_the_scheme_of_a_listener(protocol: str, port: int, groups: list[dict[str, Any]], scheme: str) -> None:
    assert url_schemes.of_listener(protocol, port, groups) == scheme


@pytest.mark.parametrize(
    ("port", "mapping", "groups", "is_requested", "scheme"),
    [
        pytest.param(5000, {}, [group("HTTP")], False, "http", id="a target group of HTTP"),
        pytest.param(5000, {"appProtocol": "http2"}, [], False, "http", id="the protocol of the port mapping"),
        pytest.param(8080, {"appProtocol": "grpc"}, [], False, "tcp", id="gRPC, which no browser speaks"),
        pytest.param(5000, {"name": "web-api"}, [], False, "http", id="the name of the port mapping"),
        pytest.param(5000, {"name": "webhook"}, [], False, "tcp", id="a name that only begins like it"),
        pytest.param(5000, {}, [], True, "http", id="a smoke test requests it"),
        pytest.param(443, {}, [], True, "https", id="the port of HTTPS"),
        pytest.param(5432, {}, [group("TCP")], False, "tcp", id="nothing says HTTP"),
    ],
)
def test_the_scheme_of_a_container_port(port: int, mapping: dict[str, Any], groups: list[dict[str, Any]], is_requested: bool, scheme: str) -> None:  # noqa: FBT001 - a parameter of the table
    assert url_schemes.of_container_port(port, mapping, groups, is_requested=is_requested) == scheme
