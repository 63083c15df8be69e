"""Images: build, log in, push to ECR."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from preflight import engine as engines
from preflight import errors, standins
from preflight.aws import session as sessions

_FROM = re.compile(r"(?mi)^\s*FROM\s+(?:--\S+\s+)*(\S+)")


class PushRefusedError(Exception):
    """ECR refused the push, or there is no repository of that name."""


def push(
    session: sessions.Session,
    engine: engines.Engine,
    *,
    folder: Path,
    name: str,
    run: str,
    base: standins.Standins | None,
) -> str:
    """Build `folder`, push it as `name` (repository:tag) to ECR and return its digest.

    The image is labelled with the run, so that a sweep finds what a killed run left in the store.

    Raises:
        PushRefusedError: the registry refused it.
        ToolBrokeError: the image cannot be built.
    """
    host, credentials, is_plain = login(session)
    image = f"{host}/{name}"
    options = [f"--build-context={k}={v}" for k, v in bases(engine, folder, base).items()]
    label = f"--label={engines.RUN_LABEL}={run}"
    engine.must("build", "--quiet", label, *options, "--tag", image, str(folder), timeout=900)
    try:
        _push(engine, image, credentials, is_plain=is_plain)
    finally:
        engine.run("rmi", "--force", image)
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
        done = engine.run("push", "--quiet", *insecure, image, timeout=900)
    finally:
        engine.run("logout", host)
    if done.code != 0:
        raise PushRefusedError((done.stderr or done.stdout).strip()[-500:])


def bases(engine: engines.Engine, folder: Path, base: standins.Standins | None) -> Mapping[str, str]:
    """Build contexts that replace the base images of a Dockerfile by their stand-ins."""
    if base is None:
        return {}
    text = (folder / "Dockerfile").read_text(encoding="utf-8")
    scheme = "container-image" if engine.program == "podman" else "docker-image"
    contexts = {}
    for name in dict.fromkeys(_FROM.findall(text)):
        if name == "scratch" or "$" in name:
            continue
        found = _image(base, name)
        if found in base.used.values():
            contexts[name] = f"{scheme}://{found}"
    return contexts


def _image(base: standins.Standins, name: str) -> str:
    try:
        return base.image(name)
    except LookupError as error:
        msg = f"the base image {name} cannot be pulled: {error}"
        raise PushRefusedError(msg) from None


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
