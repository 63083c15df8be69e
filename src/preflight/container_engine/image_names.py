"""Image names as registries know them: what an engine could take for a path or an option is none.

Source: https://github.com/distribution/reference, the grammar of references.
"""

from __future__ import annotations

import re

MAX_LENGTH = 512
# Of https://github.com/containers/image/blob/main/docs/containers-transports.5.md: podman reads `dir:x` as a folder named x.
TRANSPORTS = frozenset({"containers-storage", "dir", "docker-archive", "docker-daemon", "oci", "oci-archive", "ostree", "sif", "tarball"})
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]+)?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"[A-Za-z][A-Za-z0-9]*:[0-9a-fA-F]{32,}"
_REFERENCE = re.compile(rf"(?:{_DOMAIN}/)?{_PART}(?:/{_PART})*(?::{_TAG})?(?:@{_DIGEST})?")


def is_reference(name: str) -> bool:
    """Whether a registry could have an image of that name; `oci-archive:/x`, `dir:x` and options are no references."""
    is_file = name.partition(":")[0] in TRANSPORTS and ":" in name
    return len(name) <= MAX_LENGTH and _REFERENCE.fullmatch(name) is not None and not is_file


def qualified(name: str) -> str:
    """Returns an image name with its registry: `docker.io/library/nginx:1` for `nginx:1`."""
    head, slash, _ = name.partition("/")
    if not slash:
        return f"docker.io/library/{name}"
    return name if "." in head or ":" in head or head == "localhost" else f"docker.io/{name}"


def registry(name: str) -> str:
    """Returns the registry of an image name, with its port."""
    return qualified(name).partition("/")[0]
