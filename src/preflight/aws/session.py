"""Which account is talked to: clients for one region, and how patiently they are asked."""

from __future__ import annotations

import functools
import ipaddress
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from preflight import errors

USER_AGENT = "fargate-preflight"


@dataclass(frozen=True)
class Session:
    """Clients for a region; `interval` is the pause between two questions, in seconds.

    `has_loopback_only` says that no address but those of this machine may be contacted.
    """

    region: str
    boto: boto3.Session
    endpoint: str | None = None
    interval: float = 3.0
    has_loopback_only: bool = False

    def client(self, service: str) -> Any:
        """A boto3 client."""
        return _client(self, service)

    @property
    def account(self) -> str:
        """The account that the credentials belong to."""
        return str(self.client("sts").get_caller_identity()["Account"])

    def check_address(self, address: str) -> None:
        """Hold an address against what may be contacted.

        Raises:
            NotLoopbackError: it is not on this machine, and only this machine may be contacted.
        """
        if self.has_loopback_only and not is_loopback(address):
            msg = f"the rehearsal may contact this machine only, and {address} is not on it"
            raise errors.NotLoopbackError(msg)


def is_loopback(host: str) -> bool:
    """Whether a host, by address or as `localhost`, is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@functools.cache
def _client(session: Session, service: str) -> Any:
    settings: dict[str, Any] = {
        "retries": {"mode": "standard", "total_max_attempts": 8 if session.endpoint is None else 2},
        "user_agent_extra": USER_AGENT,
        "max_pool_connections": 20,
    }
    if session.has_loopback_only:
        settings["proxies"] = {}
    return session.boto.client(
        service, region_name=session.region, endpoint_url=session.endpoint, config=Config(**settings)
    )


def rehearsal(region: str, endpoint: str) -> Session:
    """A session with the pretended account behind `endpoint`, with credentials that open nothing else."""
    boto = boto3.Session(
        aws_access_key_id="rehearsal",
        aws_secret_access_key="rehearsal",  # noqa: S106 - opens nothing
        region_name=region,
    )
    return Session(region, boto, endpoint, interval=0.1, has_loopback_only=True)
