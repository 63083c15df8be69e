"""A run of this repository's plan by the client of a real account, without containers: what it says where it fails."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
from botocore.exceptions import ClientError

from preflight.aws import describe_network
from preflight.deploy import lifecycle
from preflight.deploy.deployment import DeploymentFailedError
from preflight.deploy.options import DeploymentOptions
from preflight.deploy.session import Session
from preflight.deploy.targets.account import RealAccount
from preflight.errors import AccountError
from preflight.model import Finding
from preflight.pipeline.request import new_run
from preflight.plan import plan, reader
from preflight.plan.plan import Plan
from preflight.sweep.tagged_resources import Leftovers
from tests.unit.rehearsal.iam import callers
from tests.unit.rehearsal.iam.callers import Keys


def attempt(keys: Keys) -> list[str]:
    """Deploy the plan, look at its tasks, delete it and look for leftovers; whatever was said of what went wrong."""
    own = reader.load(callers.ROOT / plan.FILE)
    boto = boto3.Session(keys.key, keys.secret, keys.token, region_name=own.region)
    session = Session(own.region, boto, keys.address, interval=0.05, has_loopback_only=True)
    remains: list[Finding] = []
    said: list[str] = []
    try:
        said += _run(session, own, remains)
    except DeploymentFailedError as error:
        remains += error.findings
    except (AccountError, ClientError) as error:
        said.append(str(error))
    return [*said, *(finding.message for finding in remains)]


def _run(session: Session, own: Plan, remains: list[Finding]) -> Iterator[str]:
    run = new_run()
    target = RealAccount(session.account, regions=(own.region,), run=run)
    target._sessions[own.region] = session
    ec2 = session.client("ec2")
    options = DeploymentOptions(own, run, engine=None, names={})
    with lifecycle.deployed(options, target, lambda _line: None, remains=remains) as live:
        for arn, cluster in live.deployment.services.items():
            for task in live.deployment.tasks.running(cluster, arn.rpartition("/")[2]):
                face = ec2.describe_network_interfaces(NetworkInterfaceIds=[task.interface])["NetworkInterfaces"][0]
                describe_network.describe_network(ec2, face["VpcId"])
    for leftover in Leftovers(session, lambda _line: None).found():
        yield f"{leftover.kind} {leftover.name} is left"

