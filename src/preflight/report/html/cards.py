"""The cards of a picture: a load balancer, a service, a task; each with the lines of text that it shows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from preflight.architecture import (
    DeployedLoadBalancer,
    DeployedRegion,
    DeployedSecurityGroup,
    DeployedService,
    DeployedTask,
    IngressRule,
)
from preflight.report.html import lettering
from preflight.report.html.shapes import Box, Label

WIDTH, LINE, PADDING = 296.0, 16.0, 12.0
TASK_WIDTH, TASK_HEIGHT = 220.0, 44.0
MOST_LINES = 2  # of images and of rules of security groups
HUES = 8
TextLine = tuple[str, str, str]  # what is shown, its look, and the whole of it
_REGISTRY = re.compile(r"^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/")


@dataclass(frozen=True)
class CardText:
    """What a card shows: its name, what is beside it, and lines with their look and the whole of what they say."""

    name: str
    beside: str
    lines: tuple[TextLine, ...]
    look: str

    @property
    def height(self) -> float:
        """How high a card with this text is."""
        return 2 * PADDING + LINE * (1 + len(self.lines))

    def at(self, x: float, y: float) -> Box:
        """Returns the card at a place."""
        room = WIDTH - 2 * PADDING - 4
        beside = lettering.width(self.beside, 12) + 12 if self.beside else 0
        left, top = x + PADDING + 4, y + PADDING + 11
        labels = [Label(left, top, lettering.fit(self.name, room - beside, 13.5 * lettering.BOLD), "name", self.name)]
        if self.beside:
            labels.append(Label(x + WIDTH - PADDING, top, self.beside, "beside", is_end=True))
        for n, (text, look, title) in enumerate(self.lines, 1):
            shown = lettering.fit(text, room, 11, is_code=look == "code")
            labels.append(Label(left, top + LINE * n + 2, shown, look, title))
        return Box(x, y, WIDTH, self.height, f"card {self.look}", tuple(labels), self.name)


class Cards:
    """The texts of the cards of a region."""

    def __init__(self, region: DeployedRegion) -> None:
        self._groups = {group.id: group for group in region.security_groups}
        self._hues = {service.name: n % HUES for n, service in enumerate(region.services)}
        self._stopped = Counter(task.service for task in region.tasks if task.state == "STOPPED")

    def load_balancer(self, balancer: DeployedLoadBalancer) -> CardText:
        """Returns the text of a load balancer's card."""
        scheme = "internet-facing" if balancer.is_public else "internal"
        listeners = ", ".join(f"{listener.protocol} {listener.port}" for listener in balancer.listeners)
        lines = [_line(f"{balancer.kind} load balancer · {scheme}", "soft"), _line(f"listens on {listeners or 'nothing'}")]
        return CardText(balancer.name, "", (*lines, *self._rules(balancer.security_groups)), "balancer")

    def service(self, service: DeployedService) -> CardText:
        """Returns the text of a service's card."""
        images = [(_REGISTRY.sub("", c.image), "code", f"{c.name}: {c.image}") for c in service.containers]
        lines = [*_shortened(images, "images"), *self._rules(service.security_groups), *_roles(service)]
        if self._stopped[service.name]:
            lines.append(_line(f"{self._stopped[service.name]} of its tasks stopped", "bad"))
        is_complete = service.running >= service.desired
        running = f"{service.running}/{service.desired} {'●' if is_complete else '○'}"
        look = f"service hue-{self._hues[service.name]}{'' if is_complete else ' incomplete'}"
        return CardText(service.name, running, tuple(lines), look)

    def task(self, task: DeployedTask, x: float, y: float) -> Box:
        """Returns the card of a task."""
        state, look = state_of(task)
        room = TASK_WIDTH - 24
        addresses = " · ".join(filter(None, (task.private, task.public)))
        labels = (
            Label(x + 14, y + 18, task.id[:8], "code strong", task.id),
            Label(x + TASK_WIDTH - 10, y + 18, lettering.fit(state, room - 60, 11), f"state {look}", task.reason or "", is_end=True),
            Label(x + 14, y + 35, lettering.fit(addresses, room, 10.5, is_code=True), "address", addresses),
        )
        title = f"task {task.id} of {task.service}: {task.state}"
        return Box(x, y, TASK_WIDTH, TASK_HEIGHT, f"task hue-{self._hues.get(task.service, 0)} {look}", labels, title)

    def _rules(self, groups: Sequence[str]) -> list[TextLine]:
        rules = [_line(_rule(rule, self._groups)) for g in groups if g in self._groups for rule in self._groups[g].ingress]
        return _shortened(list(dict.fromkeys(rules)), "rules") or [_line("admits no connections", "soft")] * bool(groups)


def state_of(task: DeployedTask) -> tuple[str, str]:
    """Returns the state of a task in a word or two, and whether that is good."""
    healths = [health.lower() for health in (task.health, task.target_health) if health]
    if task.state != "RUNNING":
        return task.state.lower(), "bad" if task.state == "STOPPED" else "waiting"
    bad = [health for health in healths if health in {"unhealthy", "draining"}]
    if bad:
        return bad[0], "bad"
    return ("healthy", "good") if "healthy" in healths else ("running", "good")


def _rule(rule: IngressRule, groups: Mapping[str, DeployedSecurityGroup]) -> str:
    peers = [groups[peer].name if peer in groups else peer for peer in rule.peers]
    what = "everything" if rule.protocol == "all" else f"{rule.protocol} {rule.ports}"
    return f"admits {what} from {', '.join(peers) or 'no address'}"


def _roles(service: DeployedService) -> list[TextLine]:
    roles = (("task role", service.task_role), ("execution role", service.execution_role))
    return [_line(f"{label} {role}", "soft") for label, role in roles if role]


def _line(text: str, look: str = "") -> TextLine:
    return text, look, text


def _shortened(lines: list[TextLine], what: str) -> list[TextLine]:
    if len(lines) <= MOST_LINES:
        return lines
    rest = "; ".join(title for _, _, title in lines[MOST_LINES - 1 :])
    return [*lines[: MOST_LINES - 1], (f"and {len(lines) - MOST_LINES + 1} more {what}", "soft", rest)]
