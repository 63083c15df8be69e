"""Findings for tasks that stopped: what AWS said, the resource at fault, its line, and what mends it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping

from botocore.exceptions import ClientError

from preflight import model
from preflight.aws import describe_network as vpc
from preflight.aws import reachability
from preflight.deploy import (
    declared_resources as blueprint,
)
from preflight.deploy import (
    load_balancers as balancers,
)
from preflight.deploy import session as sessions
from preflight.deploy import (
    stop_reasons as diagnosis,
)
from preflight.deploy import (
    tasks,
)

_GROUP = re.compile(r"\(target-group (arn:[^)\s]+)\)")
Culprit = tuple["blueprint.Declared | None", "str | None", str]


class Stops:
    """Explains stops of tasks by the templates and the network; `services` are ARNs with their clusters."""

    def __init__(self, session: sessions.Session, known: blueprint.Blueprint, services: Mapping[str, str]) -> None:
        self._session = session
        self._blueprint = known
        self._services = services

    def finding(self, stopped: tasks.Stopped) -> model.Finding:
        """The finding for a task that stopped."""
        known = diagnosis.of(stopped.reason, stopped.containers)
        declared, name, fix = self._culprit(known, stopped)
        said = [f"a task of service {stopped.service} stopped: {stopped.reason}", *stopped.containers]
        if stopped.log:
            said.append(f"last log lines: {' | '.join(stopped.log)}")
        return model.Finding(
            "rehearse",
            known.check,
            model.Severity.ERROR,
            "; ".join(said),
            file=declared.template.name if declared else None,
            line=declared.line(name) if declared else None,
            resource=declared.logical if declared else None,
            property=name,
            fix=fix,
            source=known.source,
        )

    def _culprit(self, known: diagnosis.Diagnosis, stopped: tasks.Stopped) -> Culprit:
        """The resource, its property and the fix for a task that stopped."""
        if known.at == "target":
            return self._of_target(known, stopped)
        missing = _if_known(lambda: self._missing_link(stopped)) if known.is_network else None
        if missing is not None:
            return self._of_link(missing, stopped)
        if known.at == "role":
            for declared in self._blueprint.of_kind("AWS::IAM::Role"):
                if f"/{declared.physical}" in stopped.reason:
                    return declared, _of_role(declared, known.property), known.fix
        definition = self._blueprint.find(stopped.definition) if known.at == "definition" else None
        if definition is not None:
            name = (known.property or "").replace("ContainerDefinitions.0", f"ContainerDefinitions.{stopped.at}")
            return definition, name or None, known.fix
        return self._service(stopped), known.property if known.at == "service" else None, known.fix

    def _of_link(self, missing: reachability.Missing, stopped: tasks.Stopped) -> Culprit:
        at = self._blueprint.find(missing.resource) if missing.resource else None
        name = missing.property if at is not None or missing.resource is None else None
        return at or self._service(stopped), name, f"{missing.message}. {missing.fix}"

    def _of_target(self, known: diagnosis.Diagnosis, stopped: tasks.Stopped) -> Culprit:
        """A target that failed its health checks: the link that is missing, else the target group."""
        found = _GROUP.search(stopped.reason)
        group = found.group(1) if found else ""
        missing = _if_known(lambda: self._link_to_target(stopped, group)) if group else None
        if missing is not None:
            return self._of_link(missing, stopped)
        declared = self._blueprint.find(group)
        return declared or self._service(stopped), known.property if declared else None, known.fix

    def _service(self, stopped: tasks.Stopped) -> blueprint.Declared | None:
        found = [d for d in self._blueprint.of_kind("AWS::ECS::Service") if d.physical.endswith(f"/{stopped.service}")]
        return found[0] if found else None

    def _face(self, stopped: tasks.Stopped) -> reachability.Interface:
        """An interface such as the task had."""
        cluster = next((c for arn, c in self._services.items() if arn.endswith(f"/{stopped.service}")), None)
        described = self._session.client("ecs").describe_services(cluster=cluster, services=[stopped.service])
        network = described["services"][0].get("networkConfiguration", {}).get("awsvpcConfiguration") or {}
        ec2 = self._session.client("ec2")
        subnet = ec2.describe_subnets(SubnetIds=network["subnets"][:1])["Subnets"][0]
        return reachability.Interface(
            subnet["VpcId"],
            subnet["SubnetId"],
            subnet["CidrBlock"].partition("/")[0],
            tuple(network.get("securityGroups") or ()),
            has_public_address=network.get("assignPublicIp") == "ENABLED",
        )

    def _missing_link(self, stopped: tasks.Stopped) -> reachability.Missing | None:
        face = self._face(stopped)
        seen = vpc.describe(self._session.client("ec2"), face.vpc)
        if diagnosis.is_of_internet(stopped.reason):
            return reachability.to_internet(seen, face)
        for service in diagnosis.services(stopped.reason):
            missing = reachability.to_service(seen, face, service)
            if missing is not None:
                return missing
        return reachability.to_internet(seen, face)

    def _link_to_target(self, stopped: tasks.Stopped, group: str) -> reachability.Missing | None:
        """What keeps the load balancers of a target group from the task."""
        elb = self._session.client("elbv2")
        described = elb.describe_target_groups(TargetGroupArns=[group])["TargetGroups"][0]
        face = self._face(stopped)
        seen = vpc.describe(self._session.client("ec2"), face.vpc)
        named = str(described.get("HealthCheckPort") or "")
        port = int(named) if named.isdigit() else self._port(stopped, group)
        sources = balancers.Balancers(self._session)
        faces = [f for arn in described.get("LoadBalancerArns") or [] for f in sources.faces(arn)]
        links = [reachability.between(seen, source, face, port) for source in faces]
        return links[0] if links and all(links) else None

    def _port(self, stopped: tasks.Stopped, group: str) -> int:
        cluster = next((c for arn, c in self._services.items() if arn.endswith(f"/{stopped.service}")), None)
        described = self._session.client("ecs").describe_services(cluster=cluster, services=[stopped.service])
        balanced = described["services"][0].get("loadBalancers") or []
        return next((int(b["containerPort"]) for b in balanced if b.get("targetGroupArn") == group), 0)


def _of_role(declared: blueprint.Declared, name: str | None) -> str | None:
    """The property of a role to look at: of its policies those that it has, and the role itself where it has none."""
    given = declared.template.resources[declared.logical].get("Properties") or {}
    candidates = (diagnosis.POLICIES, diagnosis.MANAGED) if name == diagnosis.POLICIES else (name,)
    return next((candidate for candidate in candidates if candidate in given), None)


def _if_known(ask: Callable[[], reachability.Missing | None]) -> reachability.Missing | None:
    """What `ask` finds; None where it cannot be known any more, because a rollback takes the resources away."""
    with contextlib.suppress(ClientError, LookupError):
        return ask()
    return None
