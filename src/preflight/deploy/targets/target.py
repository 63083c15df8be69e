"""Where a plan is deployed: what the emulated account and a real one have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from preflight.container_engine.engine import Engine
    from preflight.container_engine.standins import Standins
    from preflight.deploy.session import Session
    from preflight.model import JsonObject, Observations, Say
    from preflight.plan.plan import Plan


class DeploymentTarget(Protocol):
    """A deployment target."""

    @property
    def name(self) -> str:
        """Its name in reports."""

    @property
    def reports_events(self) -> bool:
        """Whether progress shows change sets and stack events."""

    @property
    def sweep(self) -> str:
        """The command that removes what a run left there."""

    def session(self, region: str) -> Session:
        """Returns a session with it, in a region."""

    def values(self, plan: Plan, run: str) -> dict[str, str]:
        """Returns the values of a plan's placeholders."""

    def standins(self, plan: Plan, engine: Engine | None, note: Say) -> Standins | None:
        """Returns what replaces base images whose registry cannot be reached; `note` gets what ran for it."""

    @property
    def inside(self) -> Callable[[str, int, str], Mapping[str, Any]] | None:
        """Requests a path of a task (by id) at a port within its own network; None if there is no way in."""

    @property
    def run_schedule(self) -> Callable[[str, str], JsonObject] | None:
        """Runs the tasks of a rule or schedule (by name or logical id) in a region once; None if only its time starts it."""

    def registered_run(self, run: str, engine: Engine | None) -> AbstractContextManager[None]:
        """Registers the run on this machine until the block ends, so that a sweep finds what a killed run left here."""

    def observations(self) -> Observations:
        """Returns what the account itself reports of the run."""

    def cancel(self) -> None:
        """Cancel every wait of its sessions."""

    def close(self) -> None:
        """Release the target."""
