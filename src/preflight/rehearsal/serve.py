"""Serves the emulated account as a program of its own, and cleans up when it is stopped."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from preflight.container_engine import docker_program, engine_info
from preflight.container_engine import engine as engines
from preflight.container_engine.engine import Engine
from preflight.container_engine.standins import Standins
from preflight.errors import UsageError
from preflight.rehearsal import assembly, server
from preflight.rehearsal.assembly import TaskOptions
from preflight.rehearsal.containers.runner import ContainerRunner
from preflight.rehearsal.network import outbound
from preflight.rehearsal.server import Server
from preflight.system import run_folders

POLL = 0.5  # seconds until a signal is noticed that did not wake the main thread


@dataclass(frozen=True)
class ServeOptions:
    """How to serve: port (0: a free one), run id, whether tasks are real containers."""

    port: int
    run: str
    has_containers: bool
    standins: Mapping[str, Path]
    ends_with_input: bool
    administrator: str | None = None  # the access key; None: any key
    has_egress: bool = False
    tasks: TaskOptions = field(default_factory=TaskOptions)


def serve(settings: ServeOptions, ready: Callable[[Server, Path | None], None]) -> None:
    """Serve until Ctrl-C, SIGTERM or, if the options say so, the end of standard input, which ends the process too.

    `ready` gets the server and, if containers run, the program that clients use for docker.

    Raises:
        ToolMissingError, ToolBrokeError: no container engine works.
        UsageError: the port is taken.
    """
    _check_port(settings.port)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with _folder(settings.run) as folder:
        engine = engines.find() if settings.has_containers else None
        runner = (
            ContainerRunner(engine, run=settings.run, folder=folder, has_egress=settings.has_egress)
            if engine
            else None
        )
        if engine is not None:
            engine_info.ask_ahead(engine)
        base = Standins(engine, settings.standins) if engine else None
        with server.running(
            folder=folder,
            runner=runner,
            standins=base,
            port=settings.port,
            tasks=settings.tasks,
            administrator=settings.administrator,
        ) as running, outbound.refused(running.ledger.note):
            if settings.ends_with_input:
                threading.Thread(target=_until_eof, args=(stop,), daemon=True).start()
            ready(running, _docker_program(engine, folder, running) if engine else None)
            while not stop.wait(POLL):
                pass
    if settings.ends_with_input:
        os._exit(0)  # everything is cleaned up; taking moto's objects apart would cost another second


def _docker_program(engine: Engine, folder: Path, running: Server) -> Path:
    return docker_program.write(engine, folder, registry=running.address.rpartition("/")[2], account=running.account.id)


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((assembly.LOOPBACK, port))
        except OSError as error:
            msg = f"port {port} cannot be used: {error.strerror}. Next: name another one by --port"
            raise UsageError(msg) from None


def _until_eof(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


@contextlib.contextmanager
def _folder(run: str) -> Iterator[Path]:
    folder, here = run_folders.new_run(run), Path.cwd()
    os.chdir(folder)  # conmon writes a file `oom` where it stands when a container runs out of memory
    try:
        yield folder
    finally:
        os.chdir(here)
        run_folders.remove(folder)


def announce(running: Server, docker: Path | None, *, administrator: str | None) -> None:
    """Print the address, the administrator's access key and the program for docker for a parent process, in one line of JSON."""
    announced = {"endpoint": running.address, "key": administrator or "any", "docker": str(docker or "")}
    sys.stdout.write(json.dumps(announced) + "\n")
    sys.stdout.flush()
