"""Which account is talked to: clients for one region, and how patiently they are asked."""

from __future__ import annotations

import functools
import ipaddress
import threading
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config

from preflight.errors import NotLoopbackError, StopRequested, UsageError

USER_AGENT = "fargate-preflight"
NEAR, FAR = 0.1, 3.0  # seconds between two questions, to this machine and to AWS
ATTEMPTS = {True: 2, False: 8}  # per request: to an endpoint of this run, and to any other, unless the caller sets it


@dataclass(frozen=True)
class Session:
    """Clients for a region; `interval` is the pause between two questions, in seconds.

    `has_loopback_only` says that no address but those of this machine may be contacted. Once `stop`
    is set, whatever waits in the session's name stops waiting. A request is tried `attempts` times.
    """

    region: str
    boto: boto3.Session
    endpoint: str | None = None
    interval: float = FAR
    has_loopback_only: bool = False
    stop: threading.Event = field(default_factory=threading.Event, compare=False)
    attempts: int | None = None

    def client(self, service: str, region: str | None = None, *, timeout: float | None = None) -> Any:
        """A boto3 client, for the session's region where no other is named; with a `timeout` it asks only once."""
        return _client(self, service, region or self.region, timeout)

    def sleep(self, seconds: float) -> None:
        """Do nothing for that long.

        Raises:
            StopRequested: the run is to stop.
        """
        if self.stop.wait(seconds):
            raise StopRequested(143)

    @property
    def account(self) -> str:
        """The account that the credentials belong to."""
        return str(self.client("sts").get_caller_identity()["Account"])

    def check_address(self, address: str) -> None:
        """Check that an address may be contacted.

        Raises:
            NotLoopbackError: it is not on this machine, and only this machine may be contacted.
        """
        if self.has_loopback_only and not is_loopback(address):
            msg = f"the rehearsal may contact this machine only, and {address} is not on it"
            raise NotLoopbackError(msg)


def is_loopback(host: str) -> bool:
    """Whether a host, by address or as `localhost`, is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@functools.cache
def _client(session: Session, service: str, region: str, timeout: float | None) -> Any:
    settings: dict[str, Any] = {
        "retries": {"mode": "standard", "total_max_attempts": session.attempts or ATTEMPTS[session.endpoint is not None]},
        "connect_timeout": 10,
        "read_timeout": 30,
        "user_agent_extra": USER_AGENT,
        "max_pool_connections": 20,
    }
    if timeout is not None:
        settings |= {"retries": {"total_max_attempts": 1}, "connect_timeout": timeout, "read_timeout": timeout}
    if session.has_loopback_only:
        settings["proxies"] = {}
    return session.boto.client(
        service, region_name=region, endpoint_url=session.endpoint, config=Config(**settings)
    )


def rehearsal_session(region: str, endpoint: str, key: str) -> Session:
    """Returns a session with the emulated account at `endpoint`, whose administrator has the access key `key`."""
    boto = boto3.Session(
        aws_access_key_id=key,
        aws_secret_access_key="rehearsal",  # noqa: S106 - signatures are not verified
        region_name=region,
    )
    return Session(region, boto, endpoint, interval=NEAR, has_loopback_only=True)


def account_session(region: str, *, stop: threading.Event) -> Session:
    """A session with the account of the standard credential chain: environment, profile, SSO, OIDC.

    Where AWS_ENDPOINT_URL leads to this machine, nothing but this machine may be contacted. AWS_MAX_ATTEMPTS, or
    max_attempts of the profile, says how often a request is tried.
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html

    Raises:
        BotoCoreError: there is no such profile.
        UsageError: there are no credentials.
    """
    core = botocore.session.get_session()
    boto = boto3.Session(region_name=region, botocore_session=core)
    if boto.get_credentials() is None:
        msg = "there are no AWS credentials. Next: name a profile by AWS_PROFILE, log in (aws sso login), or set AWS_ACCESS_KEY_ID"
        raise UsageError(msg)
    far = Session(region, boto, stop=stop, attempts=core.get_config_variable("max_attempts"))
    is_near = is_loopback(urlsplit(far.client("sts").meta.endpoint_url).hostname or "")
    return replace(far, interval=NEAR, has_loopback_only=True) if is_near else far
