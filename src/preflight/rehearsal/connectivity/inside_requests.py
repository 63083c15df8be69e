"""A question to a task from within its own network, for those that nobody on the internet can ask."""

from __future__ import annotations

import contextlib
import http.client
import json
import re

from werkzeug.wrappers import Request, Response

from preflight.rehearsal.containers.running_task import RunningTasks
from preflight.rehearsal.network import namespace

PATH = "/_preflight/inside"
TIMEOUT = 5.0
MAX_BYTES = 1 << 20
MAX_PORT = 65_535
_PORT = re.compile(r"[1-9][0-9]{0,4}")


def answer(request: Request, runs: RunningTasks) -> Response:
    """What `get` at `port` of `task` brings: its status and text, or (status null) why nothing came."""
    run = runs.get(request.args.get("task", ""))
    port = request.args.get("port", "")
    if run is None or run.interface is None or not run.pid:
        return _shown(None, "", "the task's network cannot be entered here")
    if not _PORT.fullmatch(port) or int(port) > MAX_PORT:
        return _shown(None, "", f"no port: {port[:20]!r}")
    try:
        return _ask(run.pid, run.interface.address, int(port), request.args.get("get", "/"))
    except (OSError, ValueError, http.client.HTTPException) as error:
        return _shown(None, "", f"no answer: {error}")


def _ask(pid: int, address: str, port: int, get: str) -> Response:
    with contextlib.closing(http.client.HTTPConnection(address, port, timeout=TIMEOUT)) as asking:
        asking.sock = namespace.connect(pid, address, port, timeout=TIMEOUT)
        asking.request("GET", get)
        found = asking.getresponse()
        return _shown(found.status, found.read(MAX_BYTES).decode(errors="replace"), "")


def _shown(status: int | None, text: str, trouble: str) -> Response:
    body = json.dumps({"status": status, "text": text, "trouble": trouble})
    return Response(body, content_type="application/json")
