"""A plan deployed on the pretended account: started early, deployed when wanted, deleted in any case."""

from __future__ import annotations

import contextlib
import http.client
import json
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preflight import engine as engines
from preflight import errors, model, placeholders, places, plan, process
from preflight.aws import deployment as deployments
from preflight.aws import session as sessions
from preflight.standins import Standins

START_TIMEOUT = 60.0
STOP_TIMEOUT = 120.0
Say = Callable[[str], None]


class Account:
    """The pretended account as a process of its own; it comes up while the caller does other things."""

    def __init__(self, asked: plan.Plan, *, run: str, has_containers: bool) -> None:
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
        self._service = process.Service(*args)
        self._endpoint: str | None = None

    @property
    def endpoint(self) -> str:
        """Its address, once it is up.

        Raises:
            ToolBrokeError: it did not come up; it has said why on standard error.
        """
        if self._endpoint is None:
            self._endpoint = json.loads(self._service.first_line(timeout=START_TIMEOUT))["endpoint"]
        return self._endpoint

    def book(self) -> dict[str, Any]:
        """What it noted: the ledger, notes for the report, and troubles of its own.

        Raises:
            ToolBrokeError: it does not answer any more.
        """
        return self._get("/_preflight/book")

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
            raise errors.ToolBrokeError(msg) from None

    def close(self) -> None:
        """Stop it; it removes its containers before it ends, or they are removed for it."""
        if not self._service.stop(timeout=STOP_TIMEOUT):
            engines.remove_run(engines.find(), self._run)
            places.remove(places.runs() / self._run)


@dataclass(frozen=True)
class Live:
    """What runs, the values of the plan's placeholders, and the engine (None: nothing really runs)."""

    deployment: deployments.Deployment
    values: Mapping[str, str]
    engine: engines.Engine | None
    account: Account


@contextlib.contextmanager
def deployed(
    asked: plan.Plan,
    account: Account,
    *,
    run: str,
    engine: engines.Engine | None,
    names: Mapping[Path, str],
    say: Say,
    remains: list[model.Finding],
) -> Iterator[Live]:
    """Deploy the plan on the account, yield what runs, and delete it again.

    Raises:
        preflight.aws.deployment.FailedError: a step failed; with the findings that say why.
        PreflightError: it could not be told.
    """
    session = sessions.rehearsal(asked.region, account.endpoint)
    base = Standins(engine, asked.standins) if engine is not None else None
    filled = placeholders.of(asked, run=run, account=session.account)
    order = deployments.Order(asked, filled, {}, engine, base, names)
    with deployments.deployed(session, order, say, remains=remains) as deployment:
        yield Live(deployment, filled, engine, account)
