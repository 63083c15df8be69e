from __future__ import annotations

import threading

import pytest

from preflight.deploy import session
from preflight.errors import NotLoopbackError


@pytest.mark.parametrize(
    ("said", "attempts"), [pytest.param(None, 8, id="nobody says"), pytest.param("3", 3, id="the environment says")]
)
def test_how_often_a_request_is_tried(monkeypatch: pytest.MonkeyPatch, said: str | None, attempts: int) -> None:
    if said is not None:
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", said)

    client = session.account_session("eu-west-1", stop=threading.Event()).client("sts")

    assert client.meta.config.retries["total_max_attempts"] == attempts


@pytest.mark.parametrize("host", ["8.8.8.8", "10.0.0.1", "127.0.0.1.example.com", "example.com", ""])
def test_a_session_with_the_emulated_account_contacts_this_machine_only(host: str) -> None:
    with pytest.raises(NotLoopbackError):
        session.rehearsal_session("eu-west-1", "http://127.0.0.1:1", "any").check_address(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.99.1.2", "localhost", "::1"])
def test_loopback_is_this_machine(host: str) -> None:
    session.rehearsal_session("eu-west-1", "http://127.0.0.1:1", "any").check_address(host)

    assert session.is_loopback(host)
