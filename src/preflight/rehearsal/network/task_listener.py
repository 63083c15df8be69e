"""What listens inside each task: the endpoint for metadata and credentials, and a relay to the emulated AWS.

On Fargate, 169.254.170.2 answers in every task and nowhere else. The relay is this project's own: containers cannot reach
the internet here, so AWS_ENDPOINT_URL points AWS's SDKs to it.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import selectors
import socket
import threading
from collections.abc import Callable
from typing import Any

from preflight.model import JsonObject
from preflight.rehearsal.network import namespace, nat_rules
from preflight.rehearsal.network.relay import Destination, Relay
from preflight.system.worker import Worker

ADDRESS = "169.254.170.2"
PORT = 51678  # its real port: port 80 of all addresses belongs to the containers
AWS_PORT = 51679
Answer = Callable[[str], JsonObject | None]  # to a path; None for no such path


class TaskListener:
    """One thread that answers in the namespaces of all tasks."""

    def __init__(self, *, port: int) -> None:
        self._port = port
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._new: list[tuple[socket.socket, Answer]] = []
        self._gone: list[socket.socket] = []
        self._worker = Worker(self._serve, name="metadata endpoint", wake=self._interrupt)

    def start(self) -> None:
        """Start the thread."""
        self._worker.start()

    def open(self, pid: int, answer: Answer) -> Callable[[], None]:
        """Listens in the namespace of process `pid`, and returns what stops that.

        Raises:
            OSError: the namespace cannot be entered, or the address is taken there.
        """
        namespace.assign(pid, ADDRESS, number=2)
        listener = namespace.listen(pid, ADDRESS, PORT)
        listener.settimeout(0)
        try:
            aws_listener = namespace.listen(pid, ADDRESS, AWS_PORT)
        except OSError:
            listener.close()
            raise
        relay = Relay(aws_listener, lambda _: Destination(os.getpid(), ("127.0.0.1", self._port)))
        relay.start()
        self._new.append((listener, answer))
        self._interrupt()

        def close() -> None:
            relay.close()
            self._gone.append(listener)
            with contextlib.suppress(OSError):
                self._interrupt()

        return close

    def close(self) -> None:
        """Stop listening everywhere."""
        self._worker.stop()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]  # only sockets were registered
        self._selector.close()
        self._wake.close()

    def _interrupt(self) -> None:
        self._wake.send(b"!")

    def _serve(self) -> None:
        for key, _ in self._selector.select():
            if key.fileobj is self._woken:
                self._woken.recv(4096)
            elif isinstance(key.fileobj, socket.socket):
                self._accept(key.fileobj, key.data)
        while self._new:
            listener, answer = self._new.pop()
            self._selector.register(listener, selectors.EVENT_READ, answer)
        while self._gone:
            listener = self._gone.pop()
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(listener)
            listener.close()

    @staticmethod
    def redirect_port_80(pid: int) -> bool:
        """Redirect port 80 of the address to the endpoint. Returns True on success."""
        rule = nat_rules.redirect(ADDRESS, to=f"{ADDRESS}:{PORT}", port=80)
        return namespace.apply_iptables(pid, {"nat": [rule]})

    @staticmethod
    def _accept(listener: socket.socket, answer: Answer) -> None:
        try:
            caller, address = listener.accept()
        except OSError:
            return
        caller.settimeout(None)
        handler = type("Handler", (_MetadataHandler,), {"answer": staticmethod(answer)})
        threading.Thread(target=_serve, args=(handler, caller, address), daemon=True).start()


def _serve(handler: Any, caller: socket.socket, address: Any) -> None:
    with caller, contextlib.suppress(OSError):
        handler(caller, address, None)


class _MetadataHandler(http.server.BaseHTTPRequestHandler):
    """One request of a container."""

    answer: Answer
    timeout = 10.0

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Log nothing."""

    def do_GET(self) -> None:
        """Answer with JSON, or with status 404."""
        answer = self.answer(self.path)
        body = json.dumps(answer if answer is not None else {"error": "there is nothing here"}).encode()
        self.send_response_only(200 if answer is not None else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
