"""Which addresses and ports of this machine an emulated account has opened."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from preflight.deploy.session import Session
from preflight.system import http

PATH = "/_preflight/open-ports"
ADDRESSES = "/_preflight/addresses"


def of(session: Session) -> frozenset[tuple[str, int]]:
    """Returns address and port of each task and load balancer that the internet reaches; none if the account does not say."""
    try:
        return frozenset((str(address), int(port)) for address, port in _read(session, PATH))
    except (TypeError, ValueError):
        return frozenset()


def commands(session: Session) -> Iterator[str]:
    """Yields what to look at: for each service and load balancer a command of curl, whose URL a browser opens too; and the account."""
    for address in _read(session, ADDRESSES):
        internal = "  # internal: on AWS only its VPC reaches it" if address["is_internal"] else ""
        yield f"{address['name']}: {address['curl'] or address['url']}{internal}"
    yield f"AWS CLI: export AWS_ENDPOINT_URL={session.endpoint} AWS_REGION={session.region} AWS_DEFAULT_REGION={session.region} AWS_ACCESS_KEY_ID={_key(session)} AWS_SECRET_ACCESS_KEY=any"


def _read(session: Session, path: str) -> list[Any]:
    """Returns what an account says at a path of its own; nothing if it does not answer."""
    endpoint = session.client("sts").meta.endpoint_url
    response = http.fetch(f"{endpoint.rstrip('/')}{path}", headers={"Authorization": f"Bearer {_key(session)}"})
    try:
        return list(json.loads(response.text)) if response.status == 200 else []
    except (TypeError, ValueError):
        return []


def _key(session: Session) -> str:
    credentials = session.boto.get_credentials()
    return str(credentials.access_key) if credentials is not None else ""
