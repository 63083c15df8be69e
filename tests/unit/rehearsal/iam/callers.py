"""Who asks the pretended account for something: tokens of GitHub's provider, and credentials with clients."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

ROOT = Path(__file__).parents[4]
REGION = "ap-northeast-1"
ISSUER = "https://token.actions.githubusercontent.com"
SUBJECT = "repo:owner/name:environment:aws"


def token(**changed: Any) -> str:
    """A token as GitHub's provider would issue it, but for the signature; with a claim changed, or left out by None."""
    given = {"iss": ISSUER, "sub": SUBJECT, "aud": "sts.amazonaws.com", "exp": time.time() + 300, **changed}
    claims = {name: value for name, value in given.items() if value is not None}
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, claims)]
    return ".".join([*(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts), "c2lnbmF0dXJl"])


@dataclass(frozen=True)
class Keys:
    """Credentials of somebody, and clients that use them."""

    address: str
    key: str
    secret: str
    token: str | None = None

    def client(self, service: str, region: str = REGION) -> Any:
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.address,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            aws_session_token=self.token,
        )


def keys_of(address: str, credentials: dict[str, Any]) -> Keys:
    """The credentials of an answer of STS or IAM."""
    return Keys(address, credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials.get("SessionToken"))
