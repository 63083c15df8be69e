from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from preflight import errors, process
from preflight.aws import builds, images
from preflight.aws import session as sessions

BROKEN = "Error: writing manifest: received unexpected HTTP status: 500 Internal Server Error"
REFUSED = "Error: tag invalid: The image tag '1' already exists and cannot be overwritten because the tag is immutable."
EXPIRED = "Error: denied: Your authorization token has expired. Reauthenticate and try again."


class Registry:
    """A container engine whose pushes say, one after the other, what the registry answered; "" is success."""

    program, insecure = "podman", ()

    def __init__(self, *answers: str, command: str = "push") -> None:
        self._answers, self._command = iter(answers), command
        self.count = 0

    def run(self, *args: str, **_given: object) -> process.Done:
        if args[0] == "manifest":
            return process.Done(args, 1, "", "")
        if args[0] != self._command:
            return process.Done(args, 0, "", "")
        self.count += 1
        said = next(self._answers)
        return process.Done(args, 1 if said else 0, "", said)


@pytest.fixture(autouse=True)
def _built(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images that are built, a login that is known, and a digest that is there."""
    monkeypatch.setattr(builds, "Builder", mock.MagicMock())
    monkeypatch.setattr(images, "login", lambda _session: ("host", "user:secret", False))
    monkeypatch.setattr(images, "digest", lambda *_: "sha256:1")


def push(engine: object) -> str:
    session = sessions.Session("eu-west-1", mock.Mock(), interval=0.0)
    given = {"folder": Path(), "name": "web:1", "platform": "linux/amd64", "run": "r", "base": None}
    return images.push(session, engine, **given)  # type: ignore[arg-type]  # a stand-in for an engine


@pytest.mark.parametrize("command", [pytest.param("push", id="push"), pytest.param("login", id="login")])
def test_what_broke_once_is_tried_again(command: str) -> None:
    engine = Registry(BROKEN, "", command=command)

    digest = push(engine)

    assert (digest, engine.count) == ("sha256:1", 2)


def test_a_refusal_is_not_tried_again() -> None:
    engine = Registry(REFUSED)

    with pytest.raises(images.PushRefusedError):
        push(engine)

    assert engine.count == 1


@pytest.mark.parametrize(
    ("said", "advice"),
    [pytest.param(BROKEN, "try again", id="it broke"), pytest.param(EXPIRED, "renew", id="credentials expired")],
)
def test_what_says_nothing_of_the_image_is_trouble(said: str, advice: str) -> None:
    engine = Registry(*[said] * images.TRIES)

    with pytest.raises(errors.AccountError) as caught:
        push(engine)

    assert advice in str(caught.value)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        pytest.param("RepositoryNotFoundException", images.PushRefusedError, id="there is no repository"),
        pytest.param("ThrottlingException", ClientError, id="it is asked too often"),
        pytest.param("ExpiredTokenException", ClientError, id="credentials expired"),
    ],
)
def test_only_a_refusal_of_the_image_is_one(code: str, kind: type[Exception]) -> None:
    client = mock.Mock()
    client.put_image.side_effect = ClientError({"Error": {"Code": code, "Message": "no"}}, "PutImage")
    session = mock.Mock(client=mock.Mock(return_value=client))

    with pytest.raises(kind) as caught:
        images.declare(session, "web:1", {"mediaType": "m"})

    assert caught.type is kind
