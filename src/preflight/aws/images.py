"""Images: build, log in, push to ECR."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from preflight import engine as engines
from preflight import errors, standins
from preflight.aws import builds
from preflight.aws import session as sessions


class PushRefusedError(Exception):
    """ECR refused the push, or there is no repository of that name."""


def push(
    session: sessions.Session,
    engine: engines.Engine,
    *,
    folder: Path,
    name: str,
    platform: str,
    run: str,
    base: standins.Standins | None,
) -> str:
    """Build `folder` for a platform, push it as `name` (repository:tag) to ECR and return its digest.

    `platform` is one, as `linux/arm64`, or several with commas between. The image is labelled with the run,
    so that a sweep finds what a killed run left in the store.

    Raises:
        PushRefusedError: the registry refused it, or there is no such base image.
        ToolBrokeError: the image cannot be built.
    """
    host, credentials, is_plain = login(session)
    image = f"{host}/{name}"
    try:
        with builds.Builder(engine, folder, run=run, base=base).built(image, platform):
            _push(engine, image, credentials, is_plain=is_plain)
    except builds.NoBaseError as error:
        raise PushRefusedError(str(error)) from None
    return digest(session, name)


def declare(session: sessions.Session, name: str, manifest: Mapping[str, Any]) -> str:
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
        raise PushRefusedError(error.response["Error"]["Message"]) from None
    return digest(session, name)


def login(session: sessions.Session) -> tuple[str, str, bool]:
    """Registry host, credentials as user:password, and whether it speaks plain HTTP."""
    data = session.client("ecr").get_authorization_token()["authorizationData"][0]
    endpoint = urlsplit(data["proxyEndpoint"])
    credentials = base64.b64decode(data["authorizationToken"]).decode()
    return endpoint.netloc, credentials, endpoint.scheme == "http"


def _push(engine: engines.Engine, image: str, credentials: str, *, is_plain: bool) -> None:
    host = image.partition("/")[0]
    user, _, password = credentials.partition(":")
    insecure = engine.insecure if is_plain else ()
    logged = engine.run("login", "--username", user, "--password-stdin", *insecure, host, given=password)
    if logged.code != 0:
        raise errors.ToolBrokeError(f"{engine.program} login at {host} failed: {logged.stderr.strip()[-300:]}")
    try:
        done = engine.run(*_command(engine, image, insecure), timeout=900)
    finally:
        engine.run("logout", host)
    if done.code != 0:
        raise PushRefusedError((done.stderr or done.stdout).strip()[-500:])


def _command(engine: engines.Engine, image: str, options: Sequence[str]) -> tuple[str, ...]:
    """How an engine pushes: to podman, an image for several platforms is a list of its own."""
    if engine.program == "podman" and engine.run("manifest", "exists", image).code == 0:
        return "manifest", "push", "--all", "--quiet", *options, image, f"docker://{image}"
    return "push", "--quiet", *options, image


def digest(session: sessions.Session, name: str) -> str:
    """Digest of an image that was pushed.

    Raises:
        PushRefusedError: the registry has no such image.
    """
    repository, _, tag = name.partition(":")
    try:
        answer = session.client("ecr").describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
    except ClientError as error:
        raise PushRefusedError(error.response["Error"]["Message"]) from None
    return str(answer["imageDetails"][0]["imageDigest"])
