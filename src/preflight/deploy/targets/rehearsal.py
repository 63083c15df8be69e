"""The pretended account as a target: a process of its own, that comes up while the caller does other things."""

from __future__ import annotations

import contextlib
import http.client
import json
import sys
import urllib.parse
import urllib.request
from typing import Any

from preflight.container_engine import engine as engines
from preflight.container_engine.engine import Engine
from preflight.container_engine.standins import Standins
from preflight.deploy import session as sessions
from preflight.deploy.session import Session
from preflight.errors import ToolBrokeError
from preflight.model import Observations
from preflight.plan import placeholders, plan
from preflight.plan.plan import Plan
from preflight.system import run_folders
from preflight.system.processes import ServerProcess

START_TIMEOUT = 60.0
STOP_TIMEOUT = 120.0


class EmulatedAccount:
    """The pretended account; `observations` says what it noted, `inside` asks a task within its own network."""

    name = "rehearsal"
    is_told = False  # its stacks take seconds, and their events would hide what matters
    sweep = "preflight sweep"

    def __init__(self, asked: Plan, *, run: str, has_containers: bool) -> None:
        args = [sys.executable, "-m", "preflight", "serve", "--run", run, "--until-eof"]
        args += [] if has_containers else ["--containers", "off"]
        for image, folder in asked.standins.items():
            args += ["--standin", f"{image}={folder}"]
        args += [part for pattern in asked.stubs for part in ("--stub", pattern)]
        args += ["--egress"] if asked.has_egress else []
        filled = placeholders.of(asked, run=run, account="")
        for question in asked.smoke:
            if question.service is not None and not question.is_inside:
                name = plan.fill(question.service, filled)
                args += ["--asked", f"{name}:{question.port}:{question.caller or ''}"]
        self._run = run
        self._service = ServerProcess(*args)
        self._endpoint: str | None = None
        self._sessions: dict[str, Session] = {}  # clients are slow to make, and belong to their session

    @property
    def endpoint(self) -> str:
        """Its address, once it is up.

        Raises:
            ToolBrokeError: it did not come up; it has said why on standard error.
        """
        if self._endpoint is None:
            self._endpoint = json.loads(self._service.first_line(timeout=START_TIMEOUT))["endpoint"]
        return self._endpoint

    def session(self, region: str) -> Session:
        """A session with it, in a region."""
        if region not in self._sessions:
            self._sessions[region] = sessions.rehearsal(region, self.endpoint)
        return self._sessions[region]

    def values(self, asked: Plan, run: str) -> dict[str, str]:
        """What the placeholders of a plan stand for."""
        return placeholders.of(asked, run=run, account=self.session(asked.region).account)

    def standins(self, asked: Plan, engine: Engine | None) -> Standins | None:
        """What replaces base images whose registry cannot be reached."""
        return Standins(engine, asked.standins) if engine is not None else None

    def noted(self, run: str, engine: Engine | None) -> contextlib.AbstractContextManager[None]:  # noqa: ARG002
        """Nothing: the process that is the account has noted it."""
        return contextlib.nullcontext()

    def observations(self) -> Observations:
        """Returns what the account itself reports of the run.

        Raises:
            ToolBrokeError: it does not answer any more.
        """
        return Observations.from_json(self._get("/_preflight/observations"))

    def inside(self, task: str, port: int, get: str) -> dict[str, Any]:
        """What a task (by id) answers within its own network: `status` (None: nothing), `text`, `trouble`.

        Raises:
            ToolBrokeError: the account does not answer any more.
        """
        query = urllib.parse.urlencode({"task": task, "port": port, "get": get})
        return self._get(f"/_preflight/inside?{query}")

    def _get(self, path: str) -> dict[str, Any]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.endpoint}{path}", timeout=30) as answer:
                return dict(json.load(answer))
        except (OSError, ValueError, http.client.HTTPException) as error:
            msg = f"the rehearsal does not answer at {path.partition('?')[0]}: {error}. Next: see what it said above, and try again"
            raise ToolBrokeError(msg) from None

    def halt(self) -> None:
        """Nothing is to be done: it is in one region only, so whoever stops it does the waiting."""

    def close(self) -> None:
        """Stop it; it removes its containers before it ends, or they are removed for it."""
        if not self._service.stop(timeout=STOP_TIMEOUT):
            engines.remove_run(engines.find(), self._run)
            run_folders.remove(run_folders.runs() / self._run)
