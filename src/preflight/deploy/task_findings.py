"""Findings for stopped tasks: AWS's reason, the resource at fault, its line, and the fix."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from preflight.aws import describe_network, reachability
from preflight.aws.network import Blocker, Interface
from preflight.deploy import secret_references, start_failures, stop_reasons
from preflight.deploy.declared_resources import DeclaredResource, DeclaredResources
from preflight.deploy.load_balancers import PublicLoadBalancers
from preflight.deploy.session import Session
from preflight.deploy.stop_reasons import Diagnosis
from preflight.deploy.tasks import StoppedTask
from preflight.model import Finding, Severity

OF_JOB = "Make the container end with exit code 0: see its exit code and its last log lines."
_GROUP = re.compile(r"\(target-group (arn:[^)\s]+)\)")
Cause = tuple["DeclaredResource | None", "str | None", str]


class TaskFindings:
    """Explains stops of tasks by the templates, the network and the folders that images are built of.

    `services` are ARNs with their clusters.
    """

    def __init__(
        self, session: Session, declared_resources: DeclaredResources, services: Mapping[str, str], folders: Sequence[Path] = ()
    ) -> None:
        self._session = session
        self._folders = folders
        self._declared_resources = declared_resources
        self._services = services

    def finding(self, stopped: StoppedTask) -> Finding:
        """The finding for a task that stopped."""
        diagnosis = stop_reasons.of(stopped.reason, stopped.containers)
        if diagnosis.check == "EssentialContainerExited":
            diagnosis = stop_reasons.of_volume(stopped.log, stopped.mounts) or diagnosis
        declared, name, fix = (None, None, diagnosis.fix) if diagnosis.at == "machine" else self._cause(diagnosis, stopped)
        starter = f"schedule {stopped.schedule}" if stopped.schedule is not None else f"service {stopped.service}"
        sentences = [f"a task of {starter} stopped: {stopped.reason}", *stopped.containers]
        if stopped.log:
            sentences.append(f"last log lines: {' | '.join(stopped.log)}")
        return Finding(
            "rehearse",
            diagnosis.check,
            Severity.ERROR,
            self._without_secrets("; ".join(sentences), stopped),
            file=declared.template.name if declared else None,
            line=declared.line(name) if declared else None,
            resource=declared.logical if declared else None,
            property=name,
            fix=fix,
            source=diagnosis.source or None,
        )

    def of_unhealthy_target(self, service: str, group: str, description: str) -> Finding:
        """Returns the finding for a service of which no target of a target group is healthy."""
        reason = f"Task failed ELB health checks in (target-group {group})"
        stopped = StoppedTask(None, service, "", "", reason, dt.datetime.now(dt.timezone.utc))
        diagnosis = stop_reasons.of(reason, ())
        declared, name, fix = self._of_target(diagnosis, stopped)
        return Finding(
            "rehearse",
            diagnosis.check,
            Severity.ERROR,
            f"no target of service {service} in (target-group {group}) is healthy: {description}. The stack is complete, and the load balancer has nowhere to send requests",
            file=declared.template.name if declared else None,
            line=declared.line(name) if declared else None,
            resource=declared.logical if declared else None,
            property=name,
            fix=fix,
            source=diagnosis.source,
        )

    def _cause(self, diagnosis: Diagnosis, stopped: StoppedTask) -> Cause:
        """The resource, its property and the fix for a task that stopped."""
        if diagnosis.at == "target":
            return self._of_target(diagnosis, stopped)
        missing = _if_known(lambda: self._missing_link(stopped)) if diagnosis.is_network else None
        if missing is not None:
            return self._of_link(missing, stopped)
        definition = self._declared_resources.find(stopped.definition)
        reference = secret_references.place(definition) if definition and "secrets from ssm" in stopped.reason else None
        if reference is not None:
            return definition, reference, secret_references.FIX
        if diagnosis.at == "role":
            for declared in self._declared_resources.of_kind("AWS::IAM::Role"):
                if f"/{declared.physical}" in stopped.reason:
                    return declared, _of_role(declared, diagnosis.property), diagnosis.fix
        diagnosis = replace(diagnosis, fix=self._fix_of_container(diagnosis, stopped) or diagnosis.fix)
        if definition is not None and diagnosis.at == "definition":
            name = (diagnosis.property or "").replace("ContainerDefinitions.0", f"ContainerDefinitions.{stopped.at}")
            return definition, name or None, diagnosis.fix
        return self._service(stopped), diagnosis.property if diagnosis.at == "service" and stopped.schedule is None else None, diagnosis.fix

    def _without_secrets(self, text: str, stopped: StoppedTask) -> str:
        definition = self._declared_resources.find(stopped.definition)
        if definition is None or secret_references.place(definition) is None:
            return text
        described = self._session.client("ecs").describe_task_definition(taskDefinition=stopped.definition)
        return secret_references.hidden(text, definition, described["taskDefinition"]["containerDefinitions"])

    def _fix_of_container(self, diagnosis: Diagnosis, stopped: StoppedTask) -> str | None:
        """Returns what to do about a container that did not start, or ended, as far as what it said tells."""
        if diagnosis.check == "HealthCheckFailed":
            return stop_reasons.of_health_check(stopped.containers)
        if diagnosis.check not in {"EssentialContainerExited", "CannotStartContainerError"}:
            return None
        texts = (stopped.reason, *stopped.containers, *stopped.log)
        return (
            start_failures.advice(texts, self._folders)
            or stop_reasons.of_log(stopped.log)
            or stop_reasons.of_exit(stopped.containers)
            or (OF_JOB if stopped.schedule is not None and diagnosis.check == "EssentialContainerExited" else None)
        )

    def _of_link(self, missing: Blocker, stopped: StoppedTask) -> Cause:
        at = self._declared_resources.find(missing.resource) if missing.resource else None
        name = missing.property if at is not None or missing.resource is None else None
        return at or self._service(stopped), name, f"{missing.message}. {missing.fix}"

    def _of_target(self, diagnosis: Diagnosis, stopped: StoppedTask) -> Cause:
        """A target that failed its health checks: the link that is missing, else the target group."""
        match = _GROUP.search(stopped.reason)
        group = match.group(1) if match else ""
        missing = _if_known(lambda: self._link_to_target(stopped, group)) if group else None
        if missing is not None:
            return self._of_link(missing, stopped)
        declared = self._declared_resources.find(group)
        answered = "\n".join((stopped.reason, *stopped.containers))
        fix = stop_reasons.of_health_codes(answered) or diagnosis.fix
        return declared or self._service(stopped), diagnosis.property if declared else None, fix

    def _service(self, stopped: StoppedTask) -> DeclaredResource | None:
        """Returns what started the task: a service, a rule or a schedule."""
        if stopped.schedule is not None:
            return self._declared_resources.find(stopped.schedule)
        services = [d for d in self._declared_resources.of_kind("AWS::ECS::Service") if d.physical.endswith(f"/{stopped.service}")]
        return services[0] if services else None

    def _face(self, stopped: StoppedTask) -> Interface:
        """An interface such as the task had."""
        network = stopped.network or self._network_of_service(stopped)
        ec2 = self._session.client("ec2")
        subnet = ec2.describe_subnets(SubnetIds=network["subnets"][:1])["Subnets"][0]
        return Interface(
            subnet["VpcId"],
            subnet["SubnetId"],
            subnet["CidrBlock"].partition("/")[0],
            tuple(network.get("securityGroups") or ()),
            has_public_address=network.get("assignPublicIp") == "ENABLED",
        )

    def _network_of_service(self, stopped: StoppedTask) -> Mapping[str, Any]:
        cluster = next((c for arn, c in self._services.items() if arn.endswith(f"/{stopped.service}")), None)
        described = self._session.client("ecs").describe_services(cluster=cluster, services=[stopped.service])
        return described["services"][0].get("networkConfiguration", {}).get("awsvpcConfiguration") or {}

    def _missing_link(self, stopped: StoppedTask) -> Blocker | None:
        face = self._face(stopped)
        network = describe_network.describe_network(self._session.client("ec2"), face.vpc)
        if stop_reasons.is_of_internet(stopped.reason):
            return reachability.to_internet(network, face)
        for service in stop_reasons.services(stopped.reason):
            missing = reachability.to_service(network, face, service)
            if missing is not None:
                return missing
        return reachability.to_internet(network, face)

    def _link_to_target(self, stopped: StoppedTask, group: str) -> Blocker | None:
        """What keeps the load balancers of a target group from the task."""
        elb = self._session.client("elbv2")
        described = elb.describe_target_groups(TargetGroupArns=[group])["TargetGroups"][0]
        face = self._face(stopped)
        network = describe_network.describe_network(self._session.client("ec2"), face.vpc)
        port_text = str(described.get("HealthCheckPort") or "")
        port = int(port_text) if port_text.isdigit() else self._port(stopped, group)
        sources = PublicLoadBalancers(self._session)
        faces = [f for arn in described.get("LoadBalancerArns") or [] for f in sources.faces(arn)]
        links = [reachability.between(network, source, face, port) for source in faces]
        return links[0] if links and all(links) else None

    def _port(self, stopped: StoppedTask, group: str) -> int:
        cluster = next((c for arn, c in self._services.items() if arn.endswith(f"/{stopped.service}")), None)
        described = self._session.client("ecs").describe_services(cluster=cluster, services=[stopped.service])
        balanced = described["services"][0].get("loadBalancers") or []
        return next((int(b["containerPort"]) for b in balanced if b.get("targetGroupArn") == group), 0)


def _of_role(declared: DeclaredResource, name: str | None) -> str | None:
    """The property of a role to look at: of its policies those that it has, and the role itself where it has none."""
    properties = declared.template.resources[declared.logical].get("Properties") or {}
    candidates = (stop_reasons.POLICIES, stop_reasons.MANAGED) if name == stop_reasons.POLICIES else (name,)
    return next((candidate for candidate in candidates if candidate in properties), None)


def _if_known(ask: Callable[[], Blocker | None]) -> Blocker | None:
    """What `ask` finds; None where it cannot be known any more, because a rollback takes the resources away."""
    with contextlib.suppress(ClientError, LookupError):
        return ask()
    return None
