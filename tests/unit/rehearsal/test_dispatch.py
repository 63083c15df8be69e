"""Requests at once: each is answered as if it were alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from preflight.rehearsal import server
from preflight.rehearsal.server import Server


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
