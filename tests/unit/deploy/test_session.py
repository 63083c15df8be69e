from __future__ import annotations

import threading

import pytest

from preflight.deploy import session


@pytest.mark.parametrize(
    ("said", "attempts"), [pytest.param(None, 8, id="nobody says"), pytest.param("3", 3, id="the environment says")]
)
def test_how_often_a_request_is_tried(monkeypatch: pytest.MonkeyPatch, said: str | None, attempts: int) -> None:
    if said is not None:
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", said)

    client = session.account("eu-west-1", stop=threading.Event()).client("sts")

    assert client.meta.config.retries["total_max_attempts"] == attempts
