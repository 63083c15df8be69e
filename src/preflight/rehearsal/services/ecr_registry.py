"""The registry behind ECR: push and pull of the OCI distribution API, on loopback.

Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md. Repositories, tags and
their mutability are moto's ECR; this keeps the bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from werkzeug.exceptions import ClientDisconnected
from werkzeug.wrappers import Request, Response

from preflight.container_engine.disk_growth import DiskGrowth
from preflight.rehearsal.account import Account
from preflight.rehearsal.iam.actions import ecr
from preflight.rehearsal.identity import Principal

_NAME = r"(?P<name>[a-z0-9]+(?:[._/-][a-z0-9]+)*)"
_ROUTES = (
    ("blob", re.compile(rf"^/v2/{_NAME}/blobs/(?P<digest>sha256:[0-9a-f]{{64}})$")),
    ("uploads", re.compile(rf"^/v2/{_NAME}/blobs/uploads/?$")),
    ("upload", re.compile(rf"^/v2/{_NAME}/blobs/uploads/(?P<upload>[0-9a-f-]{{36}})$")),
    ("manifest", re.compile(rf"^/v2/{_NAME}/manifests/(?P<reference>[A-Za-z0-9_][A-Za-z0-9_.:-]*)$")),
)
USER = "AWS"
MAX_MANIFEST = 4 * 1024 * 1024
_CHUNK = 1 << 20


class Registry:
    """Blobs and manifests in a folder; who may ask is decided by the token of `password`."""

    def __init__(self, account: Account, folder: Path) -> None:
        self._account = account
        self._blobs = folder / "blobs"
        self._uploads = folder / "uploads"
        self._kinds: dict[str, str] = {}
        for path in (self._blobs, self._uploads):
            path.mkdir(parents=True, exist_ok=True)
        self._growth = DiskGrowth(folder)
        self._passwords: dict[str, tuple[str, Principal | None]] = {}

    @property
    def account(self) -> str:
        """The id of its account."""
        return self._account.id

    def password(self, region: str, who: Principal | None = None) -> str:
        """A password that opens the registry of that region as far as `who`, or the administrator, may use it."""
        password = secrets.token_urlsafe(24)
        self._passwords[password] = (region, who)
        return password

    def answer(self, request: Request) -> Response:
        """The answer to one request below `/v2/`."""
        opened = self._opened(request)
        if opened is None:
            challenge = {"WWW-Authenticate": 'Basic realm="ecr",service="ecr"'}
            return _error(401, "UNAUTHORIZED", "Not Authorized", challenge)
        if request.path in {"/v2/", "/v2"}:
            return Response("{}", content_type="application/json", headers=_VERSION)
        for kind, pattern in _ROUTES:
            match = pattern.match(request.path)
            if match:
                return self._admitted(kind, request, opened, match.groupdict())
        return _error(404, "NAME_UNKNOWN", "there is nothing here")

    def _opened(self, request: Request) -> tuple[str, Principal | None] | None:
        kind, _, encoded = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "basic":
            return None
        try:
            user, _, password = base64.b64decode(encoded).decode().partition(":")
        except ValueError:
            return None
        return self._passwords.get(password) if user == USER else None

    def _denial(
        self, who: Principal | None, action: str | None, region: str, name: str
    ) -> str | None:
        """AWS's sentence where the owner of the password may not do to a repository what is asked."""
        if who is None or action is None or self._account.judge is None:
            return None
        return self._account.judge(who, "ecr", region, action, {"repositoryName": name})

    def _admitted(
        self, kind: str, request: Request, opened: tuple[str, Principal | None], parts: dict[str, str]
    ) -> Response:
        region, who = opened
        denied = self._denial(who, ecr.REGISTRY.get(f"{request.method} {kind}"), region, parts["name"])
        if denied is not None:
            return _error(403, "DENIED", denied)
        return self._route(kind, request, region, **parts)

    def _route(self, kind: str, request: Request, region: str, *, name: str, **rest: str) -> Response:
        try:
            self._account.client("ecr", region).describe_repositories(repositoryNames=[name])
        except ClientError:
            msg = f"The repository with name '{name}' does not exist in the registry with id '{self._account.id}'"
            return _error(404, "NAME_UNKNOWN", msg)
        method = "GET" if request.method == "HEAD" else request.method
        handler = getattr(self, f"_{method.lower()}_{kind}", None)
        if handler is None:
            return _error(405, "UNSUPPORTED", f"{request.method} is not supported here")
        response: Response = handler(request, name, region, **rest)
        return response

    def _get_blob(self, _request: Request, _name: str, _region: str, *, digest: str) -> Response:
        path = self._blobs / digest.partition(":")[2]
        if not path.exists():
            return _error(404, "BLOB_UNKNOWN", "blob unknown to registry")
        return _content(path, digest, "application/octet-stream")

    def _post_uploads(self, request: Request, name: str, _region: str) -> Response:
        mounted = request.args.get("mount", "")
        if mounted and self._has(mounted):
            return _created(f"/v2/{name}/blobs/{mounted}", mounted)
        upload = str(uuid.uuid4())
        (self._uploads / upload).touch()
        if request.args.get("digest"):
            return self._put_upload(request, name, "", upload=upload)
        return self._progress(name, upload)

    def _progress(self, name: str, upload: str) -> Response:
        size = (self._uploads / upload).stat().st_size
        headers = {
            "Location": f"/v2/{name}/blobs/uploads/{upload}",
            "Docker-Upload-UUID": upload,
            "Range": f"0-{max(size - 1, 0)}",
        }
        return Response(status=202, headers={**headers, **_VERSION})

    def _patch_upload(self, request: Request, name: str, _region: str, *, upload: str) -> Response:
        return self._append(request, upload) or self._progress(name, upload)

    def _put_upload(self, request: Request, name: str, _region: str, *, upload: str) -> Response:
        refusal = self._append(request, upload)
        if refusal is not None:
            return refusal
        digest, path = request.args.get("digest", ""), self._uploads / upload
        if digest != f"sha256:{_hash(path)}":
            path.unlink()
            return _error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        path.replace(self._blobs / digest.partition(":")[2])
        return _created(f"/v2/{name}/blobs/{digest}", digest)

    def _append(self, request: Request, upload: str) -> Response | None:
        """Append a body to an upload; returns the error if it cannot be, and forgets the upload if the disk is full."""
        path = self._uploads / upload
        if not path.exists():
            return _error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        with path.open("ab") as file:
            while chunk := _part(request, _CHUNK):
                file.write(chunk)
                trouble = self._growth.trouble()
                if trouble is not None:
                    path.unlink()
                    return _error(429, "TOOMANYREQUESTS", f"the registry of this run is full: {trouble}")
        return None

    def _has(self, digest: str) -> bool:
        return (
            re.fullmatch(r"sha256:[0-9a-f]{64}", digest) is not None
            and (self._blobs / digest.partition(":")[2]).exists()
        )

    def _put_manifest(self, request: Request, name: str, region: str, *, reference: str) -> Response:
        body = _part(request, MAX_MANIFEST)
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        missing = self._missing(body)
        if missing is not None:
            return _error(400, "MANIFEST_INVALID", missing)
        if ":" in reference and reference != digest:
            return _error(400, "DIGEST_INVALID", "manifest digest did not match")
        tag = {} if ":" in reference else {"imageTag": reference}
        try:
            self._account.client("ecr", region).put_image(
                repositoryName=name,
                imageManifest=body.decode(),
                imageManifestMediaType=request.content_type,
                imageDigest=digest,
                **tag,
            )
        except ClientError as error:
            # moto says that the image exists both of the same image and of another one with its tag
            if self.digest(name, reference, region) != digest:
                return _error(400, "TAG_INVALID", _refusal(error, reference, name))
        (self._blobs / digest.partition(":")[2]).write_bytes(body)
        self._kinds[digest] = str(request.content_type)
        return _created(f"/v2/{name}/manifests/{reference}", digest)

    def _missing(self, body: bytes) -> str | None:
        try:
            manifest = json.loads(body)
            parts = [*manifest.get("layers", []), *manifest.get("manifests", [])]
            parts += [manifest["config"]] if "config" in manifest else []
            digests = [part["digest"] for part in parts]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return "manifest invalid"
        unknown = [digest for digest in digests if not self._has(digest)]
        return f"blob unknown to registry: {unknown[0]}" if unknown else None

    def _get_manifest(self, _request: Request, name: str, region: str, *, reference: str) -> Response:
        digest = self.digest(name, reference, region)
        if digest not in self._kinds:
            return _error(404, "MANIFEST_UNKNOWN", "Requested image not found")
        return _content(self._blobs / digest.partition(":")[2], digest, self._kinds[digest])

    def digest(self, name: str, reference: str, region: str) -> str | None:
        """Digest of the manifest that a tag or digest of a repository names, None if it has none."""
        key = "imageDigest" if ":" in reference else "imageTag"
        try:
            answer = self._account.client("ecr", region).describe_images(
                repositoryName=name, imageIds=[{key: reference}]
            )
        except ClientError:
            return None
        digests = [detail["imageDigest"] for detail in answer["imageDetails"]]
        return digests[0] if digests else None

    def platforms(self, digest: str) -> frozenset[str]:
        """The platforms of an image, as `linux/amd64`; none where the manifest does not tell."""
        manifest = self._read(digest)
        listed = [one.get("platform") or {} for one in manifest.get("manifests") or []]
        if not listed and "config" in manifest:
            listed = [self._read(str(manifest["config"].get("digest")))]
        return frozenset(f"{p['os']}/{p['architecture']}" for p in listed if p.get("os") and p.get("architecture"))

    def _read(self, digest: str) -> dict[str, Any]:
        """Returns a blob of JSON; an empty map if there is none, or none that a registry would read."""
        if not self._has(digest):
            return {}
        try:
            with (self._blobs / digest.partition(":")[2]).open("rb") as file:
                read = json.loads(file.read(MAX_MANIFEST))
        except (ValueError, RecursionError):
            return {}
        return read if isinstance(read, dict) else {}


def _refusal(error: ClientError, tag: str, repository: str) -> str:
    details = error.response["Error"]
    if details["Code"] == "ImageAlreadyExistsException":
        return (
            f"The image tag '{tag}' already exists in the '{repository}' repository and cannot be overwritten "
            "because the tag is immutable."
        )
    return str(details["Message"])


_VERSION = {"Docker-Distribution-API-Version": "registry/2.0"}


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        hashed = hashlib.sha256()
        while chunk := file.read(_CHUNK):
            hashed.update(chunk)
    return hashed.hexdigest()


def _content(path: Path, digest: str, kind: str) -> Response:
    size = str(path.stat().st_size)
    headers = {**_VERSION, "Docker-Content-Digest": digest, "Content-Length": size}
    return Response(_chunks(path), content_type=kind, headers=headers)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _created(location: str, digest: str) -> Response:
    headers = {**_VERSION, "Location": location, "Docker-Content-Digest": digest}
    return Response(status=201, headers=headers)


def _part(request: Request, size: int) -> bytes:
    """Returns the next part of a body, of at most `size` bytes.

    Raises:
        ClientDisconnected: the client went away, or sends nothing.
    """
    try:
        return request.stream.read(size)
    except OSError as error:  # in time, or in the middle of a body that is sent in chunks
        raise ClientDisconnected from error


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    body = json.dumps({"errors": [{"code": code, "message": message}]})
    return Response(body, status=status, content_type="application/json", headers={**_VERSION, **(headers or {})})
