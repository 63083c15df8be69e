"""The parts of a plan that is drafted for a folder of templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from preflight.plan.draft.parameter_values import DraftValue
from preflight.plan.plan import ImageStep, Plan, StackStep


@dataclass(frozen=True)
class DraftStack:
    """A stack step; `name` may hold placeholders."""

    template: Path
    name: str
    values: Mapping[str, DraftValue] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()

    @property
    def step(self) -> StackStep:
        """The step as the reader returns it."""
        return StackStep(self.name, self.template, {name: value.text for name, value in self.values.items()}, self.capabilities)


@dataclass(frozen=True)
class DraftImage:
    """An image step, and the reason for it."""

    name: str
    folder: Path
    why: str


@dataclass(frozen=True)
class DraftRequest:
    """A smoke entry for a service, by its logical id; `why` says where its path and status come from."""

    service: str
    path: str
    port: int
    status: int
    is_inside: bool
    why: str


@dataclass(frozen=True)
class Draft:
    """A drafted plan; `account` is the text of the template of what the account already has, empty without one."""

    path: Path
    name: str
    region: str
    templates: Path | None
    steps: tuple[DraftStack | DraftImage, ...]
    requests: tuple[DraftRequest, ...] = ()
    images: Mapping[str, str] = field(default_factory=dict)
    account: str = ""
    notes: tuple[str, ...] = ()

    @property
    def stacks(self) -> tuple[DraftStack, ...]:
        """The steps that create stacks."""
        return tuple(step for step in self.steps if isinstance(step, DraftStack))

    @property
    def plan(self) -> Plan:
        """The plan as the reader returns it, without its requests."""
        steps = tuple(step.step if isinstance(step, DraftStack) else ImageStep(step.name, step.folder) for step in self.steps)
        return Plan(self.path, self.name, self.region, (), self.templates, steps, (), {})
