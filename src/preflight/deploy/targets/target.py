"""Where a plan is deployed: what the pretended account and a real one have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from preflight.container_engine.engine import Engine
    from preflight.container_engine.standins import Standins
    from preflight.deploy.session import Session
    from preflight.model import Observations
    from preflight.plan.plan import Plan


class DeploymentTarget(Protocol):
    """A target; one that `is_told` tells change sets and events, and `sweep` is the command that cleans it."""

    @property
    def name(self) -> str:
        """What reports call it."""

    @property
    def is_told(self) -> bool:
        """Whether change sets and events are told."""

    @property
    def sweep(self) -> str:
        """The command that removes what is left there."""

    def session(self, region: str) -> Session:
        """A session with it, in a region."""

    def values(self, asked: Plan, run: str) -> dict[str, str]:
        """What the placeholders of a plan stand for."""

    def standins(self, asked: Plan, engine: Engine | None) -> Standins | None:
        """What replaces base images whose registry cannot be reached."""

    @property
    def inside(self) -> Callable[[str, int, str], Mapping[str, Any]] | None:
        """What a task (by id) answers at a port and a path within its own network; None where nobody can ask there."""

    def noted(self, run: str, engine: Engine | None) -> AbstractContextManager[None]:
        """Note on this machine that a run has begun, until the block ends: a sweep finds what a killed one left here."""

    def observations(self) -> Observations:
        """Returns what the account itself reports of the run."""

    def halt(self) -> None:
        """Let whatever waits in its name stop waiting."""

    def close(self) -> None:
        """Have done with it."""
