"""The drills that a plan asks for: each service behind a smoke entry, under traffic."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.deploy.deployment import Deployment
from preflight.errors import UsageError
from preflight.model import Finding, Say
from preflight.pipeline.update_traffic import UpdateTraffic
from preflight.plan.plan import Plan, SmokeEntry
from preflight.plan.traffic_settings import TrafficSettings
from preflight.smoke import SmokeTest
from preflight.system import waiting
from preflight.traffic import account_facts, deletion_drill, drill_findings, drills, findings
from preflight.traffic.drills import DrilledService
from preflight.traffic.traffic import Traffic

AROUND = 1.0  # seconds of traffic before and after a drill


class DrillRuns:
    """Does the drills of a plan with the services of its deployment; `plan_name` is what reports call the plan."""

    def __init__(self, plan: Plan, test: SmokeTest, deployment: Deployment, say: Say, *, plan_name: str) -> None:
        self._plan = plan
        self._test = test
        self._deployment = deployment
        self._say = say
        self._plan_name = plan_name

    def findings(self) -> Iterator[Finding]:
        """Yields what is to be said of each drill, with each service that a smoke entry asks.

        Raises:
            UsageError: no entry asks a service of the deployment.
        """
        done: set[str] = set()
        names = [name for name in self._plan.drills if name != "delete"]
        if "delete" in self._plan.drills:
            self._deployment.declared_resources.refresh()
            yield from deletion_drill.findings(self._deployment.session, self._deployment.declared_resources)
        for entry in self._plan.smoke if names else ():
            service = self._test.filled(entry).service
            arn = next((arn for arn in self._deployment.services if service and arn.endswith(f"/{service}")), None)
            if arn is not None and arn not in done:
                done.add(arn)
                for name in names:
                    yield from self._drilled(name, entry, arn)
        if names and not done:
            msg = f"{self._plan_name}: drills: {', '.join(names)}: no smoke entry names a service that was deployed. Next: name one"
            raise UsageError(msg)

    def _drilled(self, name: str, entry: SmokeEntry, arn: str) -> Iterator[Finding]:
        deployment, settings = self._deployment, self._plan.update.traffic or TrafficSettings()
        service, cluster = arn.rpartition("/")[2], deployment.services[arn]
        self._say(f"drill {name} of {service}")
        targets = list(UpdateTraffic(self._test, settings, deployment, self._say).targets(entry, entry))
        if not targets:
            msg = f"{self._plan_name}: drills: {name}: no request reaches {service} from the internet, so what it does cannot be observed. Next: name a service with a public address or load balancer"
            raise UsageError(msg)
        traffic = Traffic(targets, settings, self._say)
        traffic.phase = f"drill {name}"
        traffic.start()
        try:
            waiting.pause(AROUND)
            result = drills.run(name, DrilledService(deployment.session, cluster, service))
            waiting.pause(AROUND)
        finally:
            record = traffic.stop()
        facts = account_facts.read(deployment.session, {arn: cluster})
        record = findings.settled(record, facts)
        yield from drill_findings.findings(name, service, result, record, deployment.declared_resources)
        yield from findings.findings(record, facts, deployment.declared_resources, self._plan_name)
