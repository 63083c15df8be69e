"""What a run deploys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from preflight.container_engine import build_network
from preflight.container_engine.engine import Engine
from preflight.model import Say
from preflight.plan.plan import Plan


@dataclass(frozen=True)
class DeploymentOptions:
    """The plan, the id of the run that deploys it, what builds images (None: nothing does), and the files' names in reports.

    Tags name the run `run_tag`, if that is given: the regions of a run share one. `build_network` is one of `build_network.MODES`. `is_watched` makes it report the states of resources and tasks. `note` adds a note to the report.
    """

    plan: Plan
    run: str
    engine: Engine | None
    names: Mapping[Path, str]
    run_tag: str | None = None
    build_network: str = build_network.MODES[0]
    is_watched: bool = False
    note: Say = lambda _text: None
