"""Which addresses and ports of this machine an emulated account has opened to the internet."""

from __future__ import annotations

import json

from preflight.deploy.session import Session
from preflight.system import http

PATH = "/_preflight/open-ports"


def of(session: Session) -> frozenset[tuple[str, int]]:
    """Returns address and port of each task and load balancer that the internet reaches; none if the account does not say."""
    endpoint, credentials = session.client("sts").meta.endpoint_url, session.boto.get_credentials()
    key = credentials.access_key if credentials is not None else ""
    response = http.fetch(f"{endpoint.rstrip('/')}{PATH}", headers={"Authorization": f"Bearer {key}"})
    if response.status != 200:
        return frozenset()
    try:
        return frozenset((str(address), int(port)) for address, port in json.loads(response.text))
    except (TypeError, ValueError):
        return frozenset()
