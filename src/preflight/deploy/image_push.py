"""Images: build, log in, push to ECR."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from preflight.container_engine import build_network
from preflight.container_engine.engine import Engine
from preflight.container_engine.standins import Standins
from preflight.deploy import aws_errors
from preflight.deploy.image_build import Builder, NoBaseError
from preflight.deploy.session import Session
from preflight.errors import AccountError
from preflight.system import run_folders
from preflight.system.processes import CompletedProcess

TRIES = 4
# What a registry, or the way to it, may do better the next time.
_PASSING = re.compile(
    r"\b(?:500|502|503|504|429)\b|TOOMANYREQUESTS|EOF|connection re(?:set|fused)|broken pipe|i/o timeout|"
    r"handshake timeout|deadline exceeded|no such host|network is unreachable",
    re.IGNORECASE,
)
_REFUSED_CALLER = re.compile(r"token has expired|unauthorized|Not Authorized|authentication required", re.IGNORECASE)


class PushRefusedError(Exception):
    """ECR refused the push, or there is no repository of that name."""


def push(
    session: Session,
    engine: Engine,
    *,
    folder: Path,
    name: str,
    platform: str,
    run: str,
    base: Standins | None,
    network: str = build_network.MODES[0],
) -> str:
    """Build `folder` for a platform, push it as `name` (repository:tag) to ECR and return its digest.

    `platform` is one, as `linux/arm64`, or several with commas between. The image is labelled with the run,
    so that a sweep finds what a killed run left in the store.

    Raises:
        PushRefusedError: the registry refused it, or there is no such base image.
        ToolBrokeError: the image cannot be built.
        AccountError: the registry broke, or did not answer, several times.
    """
    host, credentials, is_plain = login(session)
    image = f"{host}/{name}"
    try:
        with Builder(engine, folder, run=run, base=base, network=network).built(image, platform), _alone(engine, run) as own:
            _push(session, own, image, credentials, is_plain=is_plain)
    except NoBaseError as error:
        raise PushRefusedError(str(error)) from None
    return digest(session, name)


def declare(session: Session, name: str, manifest: Mapping[str, Any]) -> str:
    """Tell ECR of an image by its manifest alone, nothing being pushed, and return its digest.

    Raises:
        PushRefusedError: the registry refused it.
    """
    repository, _, tag = name.partition(":")
    try:
        session.client("ecr").put_image(
            repositoryName=repository,
            imageTag=tag,
            imageManifest=json.dumps(manifest),
            imageManifestMediaType=str(manifest["mediaType"]),
        )
    except ClientError as error:
        raise _refused(error) from None
    return digest(session, name)


def _refused(error: ClientError) -> Exception:
    """A refusal of the image; the error itself where it is about the caller or the service."""
    return error if aws_errors.is_account_error(error) else PushRefusedError(f"{aws_errors.code(error)}: {error.response['Error']['Message']}")


def login(session: Session) -> tuple[str, str, bool]:
    """Registry host, credentials as user:password, and whether it speaks plain HTTP."""
    data = session.client("ecr").get_authorization_token()["authorizationData"][0]
    endpoint = urlsplit(data["proxyEndpoint"])
    credentials = base64.b64decode(data["authorizationToken"]).decode()
    return endpoint.netloc, credentials, endpoint.scheme == "http"


def _push(session: Session, engine: Engine, image: str, credentials: str, *, is_plain: bool) -> None:
    host = image.partition("/")[0]
    user, _, password = credentials.partition(":")
    insecure = engine.insecure if is_plain else ()
    log_in = ("login", "--username", user, "--password-stdin", *insecure, host)
    logged = _tried(session, lambda: engine.run(*log_in, input_text=password))
    try:
        if logged.code != 0:
            raise _trouble(f"{engine.program} login at {host}", logged)
        command = _command(engine, image, insecure)
        completed = _tried(session, lambda: engine.run(*command, timeout=900))
    finally:
        engine.run("logout", host)
    if completed.code != 0 and (_PASSING.search(_said(completed)) or _REFUSED_CALLER.search(_said(completed))):
        raise _trouble(f"{engine.program} push to {host}", completed)
    if completed.code != 0:
        raise PushRefusedError(_said(completed)[-500:])


@contextlib.contextmanager
def _alone(engine: Engine, run: str) -> Iterator[Engine]:
    """The engine with credentials of its own: those of the user, and of other runs, stay as they are.

    podman keeps them in a file that REGISTRY_AUTH_FILE names; the run's folder is private and swept.
    https://docs.podman.io/en/latest/markdown/podman-login.1.html
    """
    folder = run_folders.runs() / run
    with tempfile.TemporaryDirectory(dir=folder if folder.is_dir() else None) as private:
        own = {"REGISTRY_AUTH_FILE": f"{private}/auth.json"} if engine.program == "podman" else {}
        yield dataclasses.replace(engine, env={**engine.env, **own})


def _tried(session: Session, act: Callable[[], CompletedProcess]) -> CompletedProcess:
    """Returns the result of a command, which is tried again if that may help."""
    for attempt in range(1, TRIES):
        completed = act()
        if completed.code == 0 or not _PASSING.search(_said(completed)):
            return completed
        session.sleep(session.interval * 2**attempt)
    return act()


def _said(completed: CompletedProcess) -> str:
    return (completed.stderr or completed.stdout).strip()


def _trouble(what: str, completed: CompletedProcess) -> AccountError:
    output = _said(completed)[-300:]
    advice = "renew the credentials" if _REFUSED_CALLER.search(output) else "check the network, and try again"
    return AccountError(f"{what} failed: {output}. Next: {advice}")


def _command(engine: Engine, image: str, options: Sequence[str]) -> tuple[str, ...]:
    """How an engine pushes: to podman, an image for several platforms is a list of its own."""
    if engine.program == "podman" and engine.run("manifest", "exists", image).code == 0:
        return "manifest", "push", "--all", "--quiet", *options, image, f"docker://{image}"
    return "push", "--quiet", *options, image


def digest(session: Session, name: str) -> str:
    """Digest of an image that was pushed.

    Raises:
        PushRefusedError: the registry has no such image.
    """
    repository, _, tag = name.partition(":")
    try:
        answer = session.client("ecr").describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
    except ClientError as error:
        raise _refused(error) from None
    return str(answer["imageDetails"][0]["imageDigest"])
