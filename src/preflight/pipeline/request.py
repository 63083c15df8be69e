"""What a run is asked to do."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from preflight.pipeline.stages import LIVE_STAGES, is_live

if TYPE_CHECKING:
    from preflight.plan.plan import Plan  # slow to import, and the command takes its options from here



@dataclass(frozen=True)
class AccountOptions:
    """A real account, the regions to deploy in (none: the plan's), and the question whether the user agrees to the costs."""

    id: str
    regions: tuple[str, ...]
    agrees: Callable[[], bool]
    is_kept_failed: bool = False


@dataclass(frozen=True)
class UpdateRequest:
    """What runs today, by a git revision or a folder, and what is checked and changed about its plan before it is deployed."""

    origin: str
    admit: Callable[[Plan], Plan]


@dataclass(frozen=True)
class RunRequest:
    """The stages to run on which templates; without an `account` the plan is deployed on the emulated one.

    `baseline` is a file that the caller names; without it the plan's counts. If a run `is_watched`, it reports the
    states of resources and tasks too; if it `takes_screenshots`, pages that answer are shown in its report.
    """

    stages: tuple[str, ...]
    plan: Plan | None
    templates: tuple[Path, ...]
    rules: tuple[Path, ...]
    strict: bool = False
    has_containers: bool = True
    is_kept: bool = False
    allows_rule_changes: bool = False
    build_network: str = "restricted"
    account: AccountOptions | None = None
    baseline: Path | None = None
    writes_baseline: bool = False
    update: UpdateRequest | None = None
    has_cache: bool = True
    is_watched: bool = False
    takes_screenshots: bool = False

    @property
    def target(self) -> str:
        """The target's name in reports."""
        return "rehearsal" if self.account is None else "aws"

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions to deploy in."""
        regions = self.account.regions if self.account is not None else ()
        return regions or ((self.plan.region,) if self.plan is not None else ())

    @property
    def is_live(self) -> bool:
        """Whether something is deployed."""
        return is_live(self.stages)

    @property
    def live_stages(self) -> list[str]:
        """The stages that deploy something, as far as they were asked for; `update` only if there is something to update from."""
        return [stage for stage in LIVE_STAGES if stage in self.stages and (stage != "update" or self.update is not None)]


def new_run() -> str:
    """Returns an id for a run: eight hexadecimal digits."""
    return secrets.token_hex(4)
