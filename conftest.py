"""Guard rails: fake credentials, and no connection to anywhere but this machine."""

from __future__ import annotations

import gc
import ipaddress
import os
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

pytest_plugins = ["pytester"]
FAKE = {
    "AWS_ACCESS_KEY_ID": "rehearsal",
    "AWS_SECRET_ACCESS_KEY": "rehearsal",
    "AWS_DEFAULT_REGION": "ap-northeast-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over a million objects that stay, such as service models, and look at the rest seldom."""
    gc.set_threshold(100_000, 20, 20)
    gc.freeze()


def is_real(config: pytest.Config) -> bool:
    """Whether the suite is to deploy on an account that is not on this machine."""
    host = urlsplit(os.environ.get("AWS_ENDPOINT_URL", "")).hostname or ""
    return config.getoption("--preflight-target") == "aws" and not is_loopback(host)


@pytest.fixture(autouse=True, scope="session")
def _fake_credentials(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever credentials the machine has, no test sees them, unless an option names the account to use."""
    if request.config.getoption("--preflight-target") == "aws":
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in FAKE.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(autouse=True, scope="session")
def _loopback_only(request: pytest.FixtureRequest) -> Iterator[None]:
    """A connection to another machine is an error, not a request, unless an account is there."""
    if is_real(request.config):
        yield
        return
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and not is_loopback(address[0]):
            msg = f"a test wanted to connect to {address[0]}, which is not this machine"
            raise RuntimeError(msg)
        real(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect)
        yield


def is_loopback(host: str) -> bool:
    """Whether a host, by address or name, is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
