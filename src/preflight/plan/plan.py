"""preflight.yaml: what is deployed in which order, and what has to answer afterwards."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from preflight.errors import UsageError
from preflight.plan import cdk_assets
from preflight.plan.rule_settings import RuleSettings
from preflight.plan.update_settings import UpdateSettings
from preflight.system import confinement, files_read, spelling
from preflight.templates import template

FILE = "preflight.yaml"
MOST_LOOKED_AT = 1000  # files, to see whether some are templates
FILL_IN = "FILL-IN"  # what `preflight init` writes for a value that only the user knows
ENDINGS = frozenset({".yaml", ".yml", ".json", ".template"})
NAMES = ("name", "prefix", "run", "region", "account", "bucket", "templates")
_TEMPLATE_KEY = re.compile(rb"""(?:^|[{,])[ \t]*["']?(?:AWSTemplateFormatVersion|Resources|Transform)["']?[ \t]*:""", re.MULTILINE)


@dataclass(frozen=True)
class StackStep:
    """A step that creates a stack. Values may hold placeholders such as `{prefix}`; they may come from `parameter_file`."""

    name: str
    template: Path
    parameters: Mapping[str, str]
    capabilities: tuple[str, ...]
    parameter_file: Path | None = None


@dataclass(frozen=True)
class ImageStep:
    """A step that builds a folder and pushes it to the repository of that name."""

    name: str
    build: Path


@dataclass(frozen=True)
class SmokeEntry:
    """A question to a service's tasks, or to a URL, and the answer it has to give; or a schedule whose task runs once.

    A question comes from `caller`, an address on the internet (None: anybody), or from inside the task's network.
    """

    service: str | None
    cluster: str
    url: str | None
    is_inside: bool
    caller: str | None
    get: str
    port: int
    status: int
    contains: str | None
    line: int
    schedule: str | None = None
    timeout: float = 120.0  # seconds until the task of a schedule has to have ended


@dataclass(frozen=True)
class Plan:
    """A plan that was read and whose files exist."""

    path: Path
    name: str
    region: str
    rules: tuple[Path, ...]
    templates: Path | None
    steps: tuple[StackStep | ImageStep, ...]
    smoke: tuple[SmokeEntry, ...]
    standins: Mapping[str, Path]
    stubs: tuple[str, ...] = ()
    images: Mapping[str, str] = field(default_factory=dict)
    has_egress: bool = False
    baseline: Path | None = None
    policy: RuleSettings = field(default_factory=RuleSettings)
    update: UpdateSettings = field(default_factory=UpdateSettings)
    drills: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The folder the plan lies in, which its paths start from."""
        return self.path.parent

    @property
    def stacks(self) -> tuple[StackStep, ...]:
        """The steps that create stacks."""
        return tuple(step for step in self.steps if isinstance(step, StackStep))

    def template_files(self) -> list[Path]:
        """Every template of the plan: those of the steps, those that CDK nests in them, and all in the templates folder."""
        files = {step.template for step in self.stacks}
        files |= set(cdk_assets.nested_templates(files).values())
        if self.templates is not None:
            files |= set(templates_in(self.templates))
        return sorted(files)

    def with_standins(self, allowed: Iterable[str], *, allows_own: bool) -> Plan:
        """Returns the plan with the stand-ins that the caller allows, as IMAGE=DIR: their programs run on this machine.

        Raises:
            UsageError: one has another form.
        """
        own = self.standins if allows_own else {}
        return replace(self, standins={**own, **dict(map(standin, allowed))})

    def refuse_egress(self, *, is_allowed: bool, option: str) -> None:
        """Refuse a plan whose containers would reach the network, unless the caller's `option` allows it.

        Raises:
            UsageError: it has egress, which is not allowed.
        """
        if self.has_egress and not is_allowed:
            msg = f"{self.path.name}: egress lets containers reach the network from this machine. Next: pass {option}, or remove the key"
            raise UsageError(msg)


def is_plan(path: Path) -> bool:
    """Whether a file begins like a plan, even one that cannot be read: it has a version 1 and steps."""
    with path.open("rb") as file:
        text = file.read(template.MAX_BYTES)
    return all(re.search(pattern, text, re.MULTILINE) for pattern in (rb"^version:[ \t]*1\b", rb"^steps:"))


def templates_in(folder: Path) -> list[Path]:
    """The YAML and JSON files below a folder that may be CloudFormation templates, hidden ones left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in ENDINGS
        and path.is_file()
        and not any(p.startswith(".") for p in path.relative_to(folder).parts)
        and may_be_template(path)
    )


def may_be_template(path: Path) -> bool:
    """Whether a file has a key that only templates have: a plan, a workflow or a package.json has none.

    What is not a plain file counts as a template and is not read here: the reader of templates refuses a FIFO, or a link that leads outside the checkout.
    """
    if files_read.look_for(path).is_symlink() or not path.is_file():
        return True
    try:
        with path.open("rb") as file:
            return _TEMPLATE_KEY.search(file.read(template.MAX_BYTES)) is not None
    except OSError:
        return True  # reading it as a template says why


def find(start: Path | None) -> Path:
    """The plan that `start` names (a file, or the folder that holds it), else the nearest one upwards.

    Raises:
        UsageError: there is none.
    """
    if start is not None:
        path = start / FILE if files_read.look_for(start).is_dir() else start
        if start.is_dir():
            check(path)
        if path.is_file():
            return path.resolve()
        msg = f"{path}: there is no such plan{_nearest(path)} {_next_step(path.parent)}"
        raise UsageError(msg)
    for folder in (Path.cwd(), *Path.cwd().parents):
        if files_read.look_for(folder / FILE).is_file():
            check(folder / FILE)
            return folder / FILE
    msg = f"there is no {FILE} here or in a folder above. {_next_step(Path())}"
    raise UsageError(msg)


def _nearest(path: Path) -> str:
    """Returns ", did you mean …?" with the file beside a missing one whose name is nearest, else a full stop."""
    names = [other.name for other in path.parent.iterdir() if other.suffix in ENDINGS] if path.parent.is_dir() else []
    return spelling.nearest(path.name, names)


def _next_step(folder: Path) -> str:
    """Returns what to do in a folder without a plan: check one below it, or write one for its templates."""
    below = next((path for depth in ("*", "*/*", "*/*/*") for path in sorted(folder.glob(f"{depth}/{FILE}")) if path.is_file()), None)
    if below is not None:
        return f"Next: preflight check {below.parent}"
    where = "" if folder == Path() else f" {folder}"
    candidates = (path for depth in ("*", "*/*", "*/*/*") for path in folder.glob(depth) if path.suffix in ENDINGS and path.is_file())
    template_file = next((path for path in itertools.islice(candidates, MOST_LOOKED_AT) if may_be_template(path)), None)
    if template_file is None:
        return "Next: go to the folder of your CloudFormation templates, and run `preflight init`, which writes a plan for them"
    return f"Next: `preflight init{where}` writes one for {template_file.name} and the other templates there; `preflight lint {template_file}` needs none"


def check(path: Path) -> None:
    """Refuse a plan that was found in a folder and leads out of it; one that the caller names is the caller's.

    Raises:
        UsageError: it leads outside the repository, or is no plain file.
    """
    problem = confinement.problem(path, confinement.root_of(path.parent)) if os.path.lexists(path) else None
    if problem is not None:
        msg = f"{path}: {problem}"
        raise UsageError(msg)


def replacement(text: str) -> tuple[str, str]:
    """Returns the pattern and the image of PATTERN=IMAGE.

    Raises:
        UsageError: the text has another form.
    """
    pattern, _, image = text.partition("=")
    if not pattern or not image:
        msg = f"image {text!r}: expected PATTERN=IMAGE"
        raise UsageError(msg)
    return pattern, image


def standin(text: str) -> tuple[str, Path]:
    """Returns the image and the folder of IMAGE=DIR.

    Raises:
        UsageError: the text has another form.
    """
    image, equals, folder = text.partition("=")
    if not image or not equals:
        msg = f"stand-in {text!r}: expected IMAGE=DIR"
        raise UsageError(msg)
    return image, Path(folder).absolute()
