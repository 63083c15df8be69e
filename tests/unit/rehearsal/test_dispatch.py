"""Requests at once: each is answered as if it were alone."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from preflight.rehearsal import server
from preflight.rehearsal.server import Server
from preflight.system import waiting

SIGNED = "AWS4-HMAC-SHA256 Credential=x/20260101/eu-central-1/s3/aws4_request, SignedHeaders=host, Signature=0"


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Server]:
    with server.running(folder=tmp_path) as running:
        yield running


@pytest.fixture
def _hurried() -> Iterator[None]:
    """Threads take turns a thousand times as often, so that they meet."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(interval / 1000)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("_hurried")
def test_a_list_is_read_while_it_grows(account: Server) -> None:
    client = account.account.client("ssm", "eu-central-1")

    def write(writer: int) -> None:
        for number in range(60):
            client.put_parameter(Name=f"p{writer}-{number}", Value="v", Type="String")

    def read(_reader: int) -> None:
        for _ in range(60):
            client.describe_parameters()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda call: call[0](call[1]), [(write, 0), (read, 1), (write, 2), (read, 3)]))
    assert account.ledger.troubles == []


def test_nobody_waits_for_a_queue_that_is_polled(account: Server) -> None:
    sqs, logs = account.account.client("sqs", "eu-central-1"), account.account.client("logs", "eu-central-1")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]

    with ThreadPoolExecutor(1) as pool:
        polled = pool.submit(sqs.receive_message, QueueUrl=url, WaitTimeSeconds=20)
        logs.describe_log_groups()
        is_waiting = not polled.done()
        sqs.send_message(QueueUrl=url, MessageBody="m")
        messages = polled.result(timeout=10)["Messages"]

    assert is_waiting
    assert [message["Body"] for message in messages] == ["m"]


@pytest.mark.hostile
@pytest.mark.parametrize("header", [f"Authorization: {SIGNED}\r\n", ""], ids=["signed", "unsigned"])
def test_nobody_waits_for_a_body_that_is_sent_slowly(account: Server, monkeypatch: pytest.MonkeyPatch, header: str) -> None:
    dispatcher, arrived = account.parts.dispatcher, threading.Event()
    handler = dispatcher._handler

    def note(*args: Any) -> Any:
        arrived.set()
        return handler(*args)

    monkeypatch.setattr(dispatcher, "_handler", note)
    with socket.create_connection(("127.0.0.1", int(account.address.rpartition(":")[2]))) as slow, ThreadPoolExecutor(1) as pool:
        slow.sendall(f"PUT /bucket/key HTTP/1.1\r\nHost: 127.0.0.1\r\n{header}Content-Length: 1000\r\n\r\nx".encode())
        assert arrived.wait(timeout=10)
        waiting.pause(0.5)  # until the server reads the rest
        answer = pool.submit(account.account.client("logs", "eu-central-1").describe_log_groups).result(timeout=10)

    assert answer["logGroups"] == []
