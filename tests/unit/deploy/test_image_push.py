from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from preflight.container_engine.engine import Engine
from preflight.deploy import image_push
from preflight.deploy.image_push import PushRefusedError
from preflight.deploy.session import Session
from preflight.errors import AccountError
from preflight.system.processes import CompletedProcess

BROKEN = "Error: writing manifest: received unexpected HTTP status: 500 Internal Server Error"
REFUSED = "Error: tag invalid: The image tag '1' already exists and cannot be overwritten because the tag is immutable."
EXPIRED = "Error: denied: Your authorization token has expired. Reauthenticate and try again."


@dataclass(frozen=True)
class Registry(Engine):
    """A container engine whose pushes say, one after the other, what the registry answered; "" is success."""

    answers: tuple[str, ...] = ()
    command: str = "push"
    asked: list[Mapping[str, str]] = field(default_factory=list)

    def run(self, *args: str, **_given: object) -> CompletedProcess:
        if args[0] == "manifest":
            return CompletedProcess(args, 1, "", "")
        if args[0] != self.command:
            return CompletedProcess(args, 0, "", "")
        said = self.answers[len(self.asked)]
        self.asked.append(self.env)
        return CompletedProcess(args, 1 if said else 0, "", said)


def registry(*answers: str, command: str = "push") -> Registry:
    return Registry("podman", "1", answers=answers, command=command)


@pytest.fixture(autouse=True)
def _built(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images that are built, a login that is known, and a digest that is there."""
    monkeypatch.setattr(image_push, "Builder", mock.MagicMock())
    monkeypatch.setattr(image_push, "login", lambda _session: ("host", "user:secret", False))
    monkeypatch.setattr(image_push, "digest", lambda *_: "sha256:1")


def push(engine: Engine) -> str:
    session = Session("eu-west-1", mock.Mock(), interval=0.0)
    return image_push.push(session, engine, folder=Path(), name="web:1", platform="linux/amd64", run="r", base=None)


@pytest.mark.parametrize("command", [pytest.param("push", id="push"), pytest.param("login", id="login")])
def test_what_broke_once_is_tried_again(command: str) -> None:
    engine = registry(BROKEN, "", command=command)

    digest = push(engine)

    assert digest == "sha256:1"
    assert len(engine.asked) == 2


def test_a_refusal_is_not_tried_again() -> None:
    engine = registry(REFUSED)

    with pytest.raises(PushRefusedError):
        push(engine)

    assert len(engine.asked) == 1


def test_two_pushes_do_not_share_credentials() -> None:
    """The first one to end would log the other one out, and the user too."""
    engine = registry("", "")

    for _ in range(2):
        push(engine)

    assert len({env["REGISTRY_AUTH_FILE"] for env in engine.asked}) == 2


@pytest.mark.parametrize(
    ("said", "advice"),
    [pytest.param(BROKEN, "try again", id="it broke"), pytest.param(EXPIRED, "renew", id="credentials expired")],
)
def test_what_says_nothing_of_the_image_is_trouble(said: str, advice: str) -> None:
    engine = registry(*[said] * image_push.TRIES)

    with pytest.raises(AccountError) as caught:
        push(engine)

    assert advice in str(caught.value)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        pytest.param("RepositoryNotFoundException", PushRefusedError, id="there is no repository"),
        pytest.param("ThrottlingException", ClientError, id="it is asked too often"),
        pytest.param("ExpiredTokenException", ClientError, id="credentials expired"),
    ],
)
def test_only_a_refusal_of_the_image_is_one(code: str, kind: type[Exception]) -> None:
    client = mock.Mock()
    client.put_image.side_effect = ClientError({"Error": {"Code": code, "Message": "no"}}, "PutImage")
    session = mock.Mock(client=mock.Mock(return_value=client))

    with pytest.raises(kind) as caught:
        image_push.declare(session, "web:1", {"mediaType": "m"})

    assert caught.type is kind
