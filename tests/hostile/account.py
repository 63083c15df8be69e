"""An emulated account under attack: requests of clients, and requests as nobody's client sends them."""

from __future__ import annotations

import http.client
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3

from preflight.system.processes import ServerProcess

REGION = "eu-west-1"


@dataclass(frozen=True)
class Account:
    """The process, its address and the administrator's key."""

    process: ServerProcess
    endpoint: str
    key: str

    def client(self, service: str, key: str = "") -> Any:
        """Returns a boto3 client with a key, the administrator's by default."""
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id=key or self.key,
            aws_secret_access_key="any",  # noqa: S106 - signatures are not verified
        )

    def send(
        self, path: str, *, service: str = "sts", fields: Iterable[tuple[str, str]] = (), host: str | None = None
    ) -> tuple[int, str]:
        """Returns status and text of a POST with the administrator's key, exactly as it is written here."""
        scope = f"{self.key}/20260101/{REGION}/{service}/aws4_request"
        signed = ("Authorization", f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0")
        connection = http.client.HTTPConnection(urlsplit(self.endpoint).netloc, timeout=20)
        connection.putrequest("POST", path, skip_host=True)
        for name, value in (("Host", host if host is not None else urlsplit(self.endpoint).netloc), signed, ("Content-Length", "2"), *fields):
            connection.putheader(name, value)
        connection.endheaders(b"{}")
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
