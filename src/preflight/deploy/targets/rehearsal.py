"""The emulated account as a deployment target."""

from __future__ import annotations

import contextlib
import http.client
import json
import urllib.parse
import urllib.request

from preflight.container_engine import engine as container_engine
from preflight.container_engine.engine import Engine
from preflight.container_engine.standins import Standins
from preflight.deploy.session import Session, rehearsal_session
from preflight.errors import ToolBrokeError
from preflight.model import JsonObject, Observations, Say
from preflight.plan import placeholders
from preflight.plan.plan import Plan
from preflight.system import extras, processes, run_folders
from preflight.system.processes import ServerProcess

START_TIMEOUT = 60.0
STOP_TIMEOUT = 120.0


class EmulatedAccount:
    """The emulated account in a process of its own, which starts while the caller does other things."""

    name = "rehearsal"
    reports_events = False  # its stacks take seconds, and their events would hide what matters
    sweep = "preflight sweep"

    def __init__(self, process: ServerProcess, *, run: str) -> None:
        self._process = process
        self._run = run
        self._address: tuple[str, str] | None = None
        self._sessions: dict[str, Session] = {}  # clients are slow to create, and belong to their session

    @classmethod
    def start(cls, plan: Plan, *, run: str, has_containers: bool) -> EmulatedAccount:
        """Starts the process for a plan, and returns at once.

        Raises:
            ToolMissingError: the packages that it needs are not installed.
        """
        extras.require("rehearsal", "the rehearsal")
        args = [*processes.OWN_COMMAND, "serve", "--run", run, "--until-eof"]
        args += [] if has_containers else ["--containers", "off"]
        for image, folder in plan.standins.items():
            args += ["--standin", f"{image}={folder}"]
        args += [part for pattern in plan.stubs for part in ("--stub", pattern)]
        args += ["--egress"] if plan.has_egress else []
        values = placeholders.of(plan, run=run)
        args += [f"--image={placeholders.fill(pattern, values)}={placeholders.fill(image, values)}" for pattern, image in plan.images.items()]
        for entry in plan.smoke:
            if entry.service is not None and not entry.is_inside:
                args += ["--asked", f"{placeholders.fill(entry.service, values)}:{entry.port}:{entry.caller or ''}"]
        return cls(ServerProcess.start(*args), run=run)

    @property
    def endpoint(self) -> str:
        """Its address, once it listens.

        Raises:
            ToolBrokeError: it did not start; the reason is on standard error.
        """
        return self._announced()[0]

    def _announced(self) -> tuple[str, str]:
        """Returns the address and the administrator's access key."""
        if self._address is None:
            announced = json.loads(self._process.first_line(timeout=START_TIMEOUT))
            self._address = announced["endpoint"], announced["key"]
        return self._address

    def session(self, region: str) -> Session:
        """Returns a session with it, in a region."""
        if region not in self._sessions:
            self._sessions[region] = rehearsal_session(region, *self._announced())
        return self._sessions[region]

    def values(self, plan: Plan, run: str) -> dict[str, str]:
        """Returns the values of a plan's placeholders."""
        return placeholders.of(plan, run=run, account=self.session(plan.region).account)

    def standins(self, plan: Plan, engine: Engine | None, note: Say) -> Standins | None:
        """Returns what replaces base images whose registry cannot be reached."""
        return Standins(engine, plan.standins, note) if engine is not None else None

    def registered_run(self, run: str, engine: Engine | None) -> contextlib.AbstractContextManager[None]:  # noqa: ARG002 - the protocol's
        """Do nothing: the account's process has registered the run."""
        return contextlib.nullcontext()

    def observations(self) -> Observations:
        """Returns what the account itself reports of the run.

        Raises:
            ToolBrokeError: it no longer answers.
        """
        return Observations.from_json(self._get("/_preflight/observations"))

    def inside(self, task: str, port: int, get: str) -> JsonObject:
        """Returns a task's answer within its own network: `status` (None: no answer), `text`, `trouble`.

        Raises:
            ToolBrokeError: the account no longer answers.
        """
        query = urllib.parse.urlencode({"task": task, "port": port, "get": get})
        return self._get(f"/_preflight/inside?{query}")

    def run_schedule(self, name: str, region: str) -> JsonObject:
        """Runs the tasks of a rule or schedule once; returns its `physical` id, its `runs`, and which ones are `known`.

        Raises:
            ToolBrokeError: the account no longer answers.
        """
        return self._get(f"/_preflight/run-schedule?{urllib.parse.urlencode({'name': name, 'region': region})}")

    def _get(self, path: str) -> JsonObject:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(self._request(path), timeout=30) as answer:
                return dict(json.load(answer))
        except (OSError, ValueError, http.client.HTTPException) as error:
            msg = f"the emulated account does not answer at {path.partition('?')[0]}: {error}. Next: read its messages above, and try again"
            raise ToolBrokeError(msg) from None

    def _request(self, path: str) -> urllib.request.Request:
        endpoint, key = self._announced()
        return urllib.request.Request(f"{endpoint}{path}", headers={"Authorization": f"Bearer {key}"})  # noqa: S310 - loopback

    def cancel(self) -> None:
        """Do nothing: it runs in one region, and its caller does the waiting."""

    def close(self) -> None:
        """Stop it; it removes its containers before it ends, else they are removed here."""
        if not self._process.stop(timeout=STOP_TIMEOUT):
            container_engine.remove_run(container_engine.find(), self._run)
            run_folders.remove(run_folders.runs() / self._run)
