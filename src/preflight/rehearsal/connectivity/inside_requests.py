"""Requests to a task from within its own network, for tasks that the internet does not reach."""

from __future__ import annotations

import contextlib
import http.client
import json
import re

from werkzeug.wrappers import Request, Response

from preflight.rehearsal.containers.running_task import RunningTasks
from preflight.rehearsal.network import namespace
from preflight.system.http import DeadlineSocket

PATH = "/_preflight/inside"
TIMEOUT = 5.0
MAX_BYTES = 1 << 20
MAX_PORT = 65_535
_PORT = re.compile(r"[1-9][0-9]{0,4}")


def answer(request: Request, running_tasks: RunningTasks) -> Response:
    """Returns status and text of `get` at `port` of `task`; with status null, `trouble` says why there is no answer."""
    running = running_tasks.get(request.args.get("task", ""))
    port = request.args.get("port", "")
    if running is None or running.interface is None or not running.pid:
        return _response(None, "", "the task's network cannot be entered here")
    if not _PORT.fullmatch(port) or int(port) > MAX_PORT:
        return _response(None, "", f"no port: {port[:20]!r}")
    try:
        return _get(running.pid, running.interface.address, int(port), request.args.get("get", "/"))
    except (OSError, ValueError, http.client.HTTPException) as error:
        return _response(None, "", f"no answer: {error}")


def _get(pid: int, address: str, port: int, path: str) -> Response:
    with contextlib.closing(http.client.HTTPConnection(address, port, timeout=TIMEOUT)) as connection:
        connection.sock = DeadlineSocket(namespace.connect(pid, address, port, timeout=TIMEOUT), timeout=TIMEOUT)
        connection.request("GET", path)
        response = connection.getresponse()
        return _response(response.status, response.read(MAX_BYTES).decode(errors="replace"), "")


def _response(status: int | None, text: str, trouble: str) -> Response:
    body = json.dumps({"status": status, "text": text, "trouble": trouble})
    return Response(body, content_type="application/json")
