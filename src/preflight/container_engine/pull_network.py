"""The network of pulls: no registry that a checkout names leads the engine to this machine or to its cloud's metadata.

A registry says where its tokens and layers are, and the engine follows. A well-known registry is
trusted; every other pull runs in the restricted network of builds if names can be looked up there.
Source: https://distribution.github.io/distribution/spec/auth/token/ (the realm).
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import secrets
import socket
from collections.abc import Iterator

from preflight.container_engine import build_network, image_names
from preflight.container_engine.engine import Engine

KNOWN = frozenset({"docker.io", "gcr.io", "ghcr.io", "mcr.microsoft.com", "public.ecr.aws", "quay.io", "registry.k8s.io"})
_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")


@contextlib.contextmanager
def restricted(engine: Engine, image: str) -> Iterator[Engine]:
    """Yields the engine for a pull, in the restricted network unless the registry is known or no name could be looked up there."""
    is_possible = engine.program == "podman" and engine.shares_network_namespaces and build_network.resolvers()
    if image_names.registry(image) in KNOWN or not is_possible or any(os.environ.get(name) for name in _PROXIES):
        yield engine
        return
    with build_network.namespace(engine, f"pull-{secrets.token_hex(4)}") as path:
        yield engine.inside(path)


def is_here(image: str) -> bool:
    """Whether the registry of an image is this machine, or has a link-local address."""
    if image_names.registry(image) in KNOWN:
        return False
    with contextlib.suppress(OSError, UnicodeError):
        found = socket.getaddrinfo(image_names.registry(image).partition(":")[0], None, type=socket.SOCK_STREAM)
        return any(_is_near(str(entry[4][0]).partition("%")[0]) for entry in found)
    return False


def _is_near(text: str) -> bool:
    address = ipaddress.ip_address(text)
    address = getattr(address, "ipv4_mapped", None) or address  # connections to it go to its IPv4 address
    return address.is_loopback or address.is_link_local or address.is_unspecified or str(address) in build_network.own_addresses()
