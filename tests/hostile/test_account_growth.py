"""What containers make the emulated account keep has an end."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from preflight.container_engine import disk_growth
from preflight.rehearsal import server
from preflight.rehearsal.server import Server
from preflight.system import memory, waiting

KEY = "AKIAADMINISTRATOR234"
ALLOWED = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Server]:
    with server.running(folder=tmp_path, administrator=KEY) as running:
        yield running


def client(account: Server, service: str, key: str = KEY, token: str | None = None) -> Any:
    return boto3.client(
        service,
        region_name="eu-west-1",
        endpoint_url=account.address,
        aws_access_key_id=key,
        aws_secret_access_key="any",  # noqa: S106 - signatures are not verified
        aws_session_token=token,
        config=Config(retries={"max_attempts": 0}),
    )


@pytest.fixture
def logs(account: Server) -> Any:
    """CloudWatch Logs as a task calls it, which has a stream."""
    iam = client(account, "iam")
    role = iam.create_role(RoleName="task", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName="task", PolicyName="all", PolicyDocument=json.dumps(ALLOWED))
    issued = client(account, "sts").assume_role(RoleArn=role, RoleSessionName="task")["Credentials"]
    logs = client(account, "logs", issued["AccessKeyId"], issued["SessionToken"])
    logs.create_log_group(logGroupName="group")
    logs.create_log_stream(logGroupName="group", logStreamName="stream")
    return logs


def write(logs: Any) -> None:
    logs.put_log_events(logGroupName="group", logStreamName="stream", logEvents=[{"timestamp": 1, "message": "more"}])


@pytest.fixture
def is_grown(logs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = memory.resident_bytes()
    monkeypatch.setattr(memory, "resident_bytes", lambda: before + 2 * memory.MOST)


@pytest.mark.hostile(
    8,
    input="a task sends log events to the account without end, in small requests",
    happens="503, and the run ends with exit code 2; what only reads, and the client of the run, go on",
    limit="1 GiB of memory",
)
@pytest.mark.usefixtures("is_grown")
def test_an_account_that_grew_too_much_keeps_nothing_more_of_a_task(account: Server, logs: Any) -> None:
    with pytest.raises(ClientError, match="ServiceUnavailable"):
        write(logs)

    assert "keeps no more of what containers send: it took more than 1.0 GiB of memory" in account.ledger.troubles[0]


@pytest.mark.usefixtures("is_grown")
def test_a_task_may_read_from_an_account_that_grew_too_much(logs: Any) -> None:
    assert logs.describe_log_groups()["logGroups"][0]["logGroupName"] == "group"


@pytest.mark.usefixtures("is_grown", "logs")
def test_the_client_goes_on_with_an_account_that_grew_too_much(account: Server) -> None:
    write(client(account, "logs"))

    assert account.ledger.troubles == []


def test_a_task_may_write_while_there_is_room(account: Server, logs: Any) -> None:
    write(logs)

    assert account.ledger.troubles == []


def token_for_repository(account: Server) -> str:
    """Returns the token for a push to a new repository, app."""
    client(account, "ecr").create_repository(repositoryName="app")
    token = str(client(account, "ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"])
    assert base64.b64decode(token).startswith(b"AWS:")
    return token


def push(account: Server, size: int) -> int:
    """Returns the status of the answer to a layer that is pushed in one piece."""
    token, digest = token_for_repository(account), "sha256:" + "0" * 64
    connection = http.client.HTTPConnection(account.address.removeprefix("http://"), timeout=20)
    connection.request("POST", f"/v2/app/blobs/uploads/?digest={digest}", bytes(size), {"Authorization": f"Basic {token}"})
    with connection.getresponse() as response:
        return response.status


@pytest.mark.hostile(
    8,
    input="a task pushes a layer without end to a repository of the account",
    happens="429, and the layer is deleted",
    limit="20 GiB of disk, or what the machine can spare",
)
def test_a_layer_that_fills_the_disk_is_refused(account: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = 100 * disk_growth.GIBIBYTE
    monkeypatch.setattr(disk_growth, "free_bytes", lambda _folder: full // 2)
    status = push(account, 3 << 20)

    assert status == 429
    assert list((tmp_path / "registry/uploads").iterdir()) == []


def test_a_layer_that_leaves_room_is_taken_as_far_as_its_digest(account: Server) -> None:
    assert push(account, 3 << 20) == 400


def begin_large_request(account: Server, path: str, key: str) -> socket.socket:
    """Returns the connection of a signed request of 2 MB, of which no byte of the body was sent."""
    host, _, port = account.address.removeprefix("http://").partition(":")
    connection = socket.create_connection((host, int(port)), timeout=20)
    signature = f"AWS4-HMAC-SHA256 Credential={key}/20260101/eu-west-1/logs/aws4_request, SignedHeaders=host, Signature=0"
    head = f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: {signature}\r\nContent-Length: 2000000\r\n\r\n"
    connection.sendall(head.encode())
    return connection


def is_answered(connection: socket.socket, *, within: float) -> bool:
    """Whether a request whose body is sent now gets an answer."""
    connection.sendall(bytes(2_000_000))
    connection.settimeout(within)
    try:
        return connection.recv(9) == b"HTTP/1.1 "
    except TimeoutError:
        return False


@pytest.mark.hostile(
    8,
    input="a task begins many large requests and sends no body, signed, and to the paths of a registry, too",
    happens="its further ones wait; the client of the run goes on",
    limit="4 bodies of more than 1 MiB at once",
)
@pytest.mark.parametrize("path", ["/", "/v2/app/blobs/uploads/"])
def test_large_requests_of_tasks_wait_for_each_other_and_the_client_for_none(account: Server, path: str) -> None:
    with contextlib.ExitStack() as connections:
        for _ in range(server.MAX_LARGE_BODIES):
            connections.enter_context(begin_large_request(account, path, "ASIAOFATASK"))
        waiting.until(lambda: not account._turns_of_others._value, what="the turns to be taken", timeout=10)

        waits = not is_answered(connections.enter_context(begin_large_request(account, path, "ASIAOFATASK")), within=1)
        is_served = is_answered(connections.enter_context(begin_large_request(account, "/", KEY)), within=20)

    assert waits
    assert is_served


def test_a_request_that_does_not_go_on_is_given_up(account: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server._QuietRequestHandler, "timeout", 0.2)

    with begin_large_request(account, "/", "ASIAOFATASK") as connection:
        assert connection.recv(12) == b"HTTP/1.1 400"


@pytest.mark.hostile(8, input="a task begins to push a layer, and goes away or sends no more", happens="the push is given up, and the run goes on", limit="120 s without a byte")
@pytest.mark.parametrize("goes_away", [pytest.param(True, id="goes away"), pytest.param(False, id="sends no more")])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param("Content-Length: 2000000\r\n\r\nx", id="a body of known length"),
        pytest.param("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", id="between two chunks"),
        pytest.param("Transfer-Encoding: chunked\r\n\r\n5\r\nhel", id="within a chunk"),
    ],
)
def test_a_push_that_does_not_go_on_is_no_trouble_of_the_account(account: Server, monkeypatch: pytest.MonkeyPatch, body: str, *, goes_away: bool) -> None:
    monkeypatch.setattr(server._QuietRequestHandler, "timeout", 0.2)
    host, _, port = account.address.removeprefix("http://").partition(":")
    head = f"POST /v2/app/blobs/uploads/?digest=sha256:{'0' * 64} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Basic {token_for_repository(account)}\r\n"

    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(f"{head}{body}".encode())
        if goes_away:
            connection.shutdown(socket.SHUT_WR)
        status = connection.recv(12)

    assert status == b"HTTP/1.1 400"
    assert account.ledger.troubles == []
