"""Which requests reach the emulated account, sent over HTTP."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from preflight.rehearsal import server
from preflight.rehearsal.connectivity import addresses
from preflight.rehearsal.iam import request_filter
from preflight.rehearsal.server import Server

KEY = "AKIAADMINISTRATORXXX"
REGION = "eu-west-1"


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[Server]:
    """An account whose administrator has one key, as `preflight serve` starts it."""
    with server.running(folder=tmp_path, administrator=KEY) as running:
        yield running


def client(account: Server, service: str, key: str = KEY) -> Any:
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=account.address,
        aws_access_key_id=key,
        aws_secret_access_key="any",  # noqa: S106 - signatures are not verified
    )


def send(account: Server, path: str, *, method: str = "GET", **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(account.address.removeprefix("http://"), timeout=10)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    return response.status, response.read().decode()


def test_the_administrators_key_may_do_everything(strict: Server) -> None:
    assert client(strict, "ecs").list_clusters()["clusterArns"] == []


@pytest.mark.parametrize("service", ["ec2", "ecs", "s3", "sts", "logs"])
def test_a_key_that_was_not_issued_is_refused(strict: Server, service: str) -> None:
    calls = {"ec2": "describe_vpcs", "ecs": "list_clusters", "s3": "list_buckets", "sts": "get_caller_identity"}
    call = getattr(client(strict, service, "anybody"), calls.get(service, "describe_log_groups"))

    with pytest.raises(ClientError, match="security token included in the request is invalid"):
        call()


def test_an_issued_key_keeps_its_permissions(strict: Server) -> None:
    iam = client(strict, "iam")
    iam.create_user(UserName="reader")
    key = iam.create_access_key(UserName="reader")["AccessKey"]["AccessKeyId"]

    assert client(strict, "sts", key).get_caller_identity()["Arn"].endswith("user/reader")
    with pytest.raises(ClientError, match="not authorized to perform: iam:ListUsers"):
        client(strict, "iam", key).list_users()


@pytest.mark.parametrize(
    "host", ["attacker.example", "attacker.example:80", "amazonaws.com.attacker.example", "10.0.0.1", "169.254.169.254"]
)
def test_another_host_is_refused(strict: Server, host: str) -> None:
    """A web page of a name that leads to loopback sends its own name."""
    assert send(strict, "/", Host=host)[0] == 403


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8000", "localhost", "[::1]:80", "169.254.170.2:51679", "bucket.s3.eu-west-1.amazonaws.com", "ecs.cn-north-1.amazonaws.com.cn"],
)
def test_hosts_of_the_account_are_its_own(host: str) -> None:
    assert request_filter.is_own_host(host)


def test_a_request_of_a_web_page_is_refused(strict: Server) -> None:
    assert send(strict, "/", Origin="http://attacker.example")[0] == 403


@pytest.mark.parametrize("path", ["/moto-api/reset", "/moto-api/data.json", "/moto-api/recorder/start-recording"])
def test_motos_own_api_is_closed(strict: Server, path: str) -> None:
    assert send(strict, path, method="POST")[0] == 404


@pytest.mark.parametrize("path", ["/", "/_preflight/observations", "/_preflight/inside?task=a&port=80&get=/", "/bucket/key"])
def test_an_unsigned_request_is_refused(strict: Server, path: str) -> None:
    assert send(strict, path) == (403, "Request is missing Authentication Token\n")


def test_the_page_of_addresses_opens_with_its_token(strict: Server) -> None:
    assert send(strict, addresses.page_url("", KEY))[0] == 200


@pytest.mark.parametrize("path", ["/_preflight/addresses", "/_preflight/observations", "/_preflight/inside"])
@pytest.mark.parametrize("token", ["", "00", KEY])
def test_no_other_token_opens_a_path_of_the_account(strict: Server, path: str, token: str) -> None:
    assert send(strict, f"{path}?token={token}")[0] == 403


def test_the_token_of_the_page_opens_nothing_else(strict: Server) -> None:
    assert send(strict, f"/_preflight/observations?token={request_filter.page_token(KEY)}")[0] == 403


def test_the_clients_own_paths_answer_to_the_administrators_key(strict: Server) -> None:
    assert send(strict, "/_preflight/observations", Authorization=f"Bearer {KEY}")[0] == 200


def test_the_registry_asks_for_its_own_password(strict: Server) -> None:
    assert send(strict, "/v2/")[0] == 401


def test_a_service_that_runs_containers_is_not_offered(strict: Server) -> None:
    """moto's Batch starts containers, privileged and with host mounts, if it finds a Docker socket."""
    with pytest.raises(ClientError, match="does not offer") as caught:
        client(strict, "batch").describe_job_queues()

    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_function_is_stored_and_never_invoked(strict: Server) -> None:
    with pytest.raises(ClientError, match="does not offer"):
        client(strict, "lambda").invoke(FunctionName="f")


def test_a_command_is_not_sent(strict: Server) -> None:
    with pytest.raises(ClientError, match="does not offer ssm:SendCommand"):
        client(strict, "ssm").send_command(DocumentName="d", InstanceIds=["i-1"])


def test_keys_differ_and_have_the_form_of_aws() -> None:
    keys = {request_filter.new_key() for _ in range(50)}

    assert len(keys) == 50
    assert all(len(key) == 20 and key.startswith("AKIA") and key.isalnum() for key in keys)


def test_no_answer_lets_a_web_page_read_it(strict: Server) -> None:
    headers = client(strict, "sns").list_topics()["ResponseMetadata"]["HTTPHeaders"]

    assert not [name for name in headers if name.startswith("access-control-")]


@pytest.mark.hostile(
    2,
    input="a request names one operation for the permission check, and another one for what runs it",
    happens="400: a request names one operation, in its headers, its query and its form together",
)
@pytest.mark.parametrize(
    ("path", "targets"),
    [
        pytest.param("/?Action=SendCommand", ["AmazonSSM.ListDocuments"], id="in the query and in a header"),
        pytest.param("/", ["AmazonSSM.ListDocuments", "AmazonSSM.SendCommand"], id="in two headers"),
        pytest.param("/?Action=ListDocuments&Action=SendCommand", [], id="twice in the query"),
    ],
)
def test_a_request_that_names_two_operations_is_refused(strict: Server, path: str, targets: list[str]) -> None:
    """What runs it could be another one than the one that was allowed."""
    connection = http.client.HTTPConnection(strict.address.removeprefix("http://"), timeout=10)
    connection.putrequest("POST", path)
    for name, value in [("Authorization", authorization("ssm")), *(("X-Amz-Target", target) for target in targets)]:
        connection.putheader(name, value)
    connection.putheader("Content-Type", "application/x-amz-json-1.1")
    connection.endheaders(b"")

    response = connection.getresponse()

    assert response.status == 400
    assert b"SendCommand" in response.read()


def authorization(service: str, key: str = KEY) -> str:
    scope = f"20260101/{REGION}/{service}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders=host, Signature=0"
