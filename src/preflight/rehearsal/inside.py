"""A question to a task from within its own network, for those that nobody on the internet can ask."""

from __future__ import annotations

import contextlib
import http.client
import json

from werkzeug.wrappers import Request, Response

from preflight.rehearsal import namespace, running

PATH = "/_preflight/inside"
TIMEOUT = 5.0
MAX_BYTES = 1 << 20


def answer(request: Request, runs: running.Runs) -> Response:
    """What `get` at `port` of `task` brings: its status and text, or (status null) why nothing came."""
    run = runs.get(request.args.get("task", ""))
    port = request.args.get("port", "")
    if run is None or run.face is None or not run.pid or not port.isdigit():
        return _shown(None, "", "the task's network cannot be entered here")
    address = run.face.address
    try:
        with contextlib.closing(http.client.HTTPConnection(address, int(port), timeout=TIMEOUT)) as asking:
            asking.sock = namespace.connect(run.pid, address, int(port), timeout=TIMEOUT)
            asking.request("GET", request.args.get("get", "/"))
            found = asking.getresponse()
            return _shown(found.status, found.read(MAX_BYTES).decode(errors="replace"), "")
    except (OSError, ValueError, OverflowError, http.client.HTTPException) as error:
        return _shown(None, "", f"no answer: {error}")


def _shown(status: int | None, text: str, trouble: str) -> Response:
    body = json.dumps({"status": status, "text": text, "trouble": trouble})
    return Response(body, content_type="application/json")
