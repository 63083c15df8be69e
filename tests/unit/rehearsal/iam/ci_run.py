"""A run of this repository's plan by the client of a real account, without containers: what it says where it fails."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import boto3
from botocore.exceptions import ClientError

from preflight.aws import describe_network
from preflight.deploy import deployment, run_tags
from preflight.deploy.deployment import DeploymentFailedError, DeploymentOptions
from preflight.deploy.session import Session
from preflight.model import Finding
from preflight.plan import placeholders, plan, reader
from preflight.plan.plan import Plan
from preflight.sweep.leftovers import Leftovers
from tests.unit.rehearsal.iam import callers
from tests.unit.rehearsal.iam.callers import Keys

RUN = "1a2b3c4d"


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
    except ClientError as error:
        said.append(str(error))
    return [*said, *(finding.message for finding in remains)]


def _run(session: Session, own: Plan, remains: list[Finding]) -> Iterator[str]:
    values = placeholders.of(own, run=RUN, account=session.account, is_shared=True)
    marks = run_tags.run_tags(own.name, run=RUN, now=dt.datetime.now(dt.timezone.utc))
    order = DeploymentOptions(own, values, marks, engine=None, base=None, names={}, is_told=True)
    ec2 = session.client("ec2")
    with deployment.deployed(session, order, lambda _line: None, remains=remains) as deployed:
        for arn, cluster in deployed.services.items():
            for task in deployed.tasks.running(cluster, arn.rpartition("/")[2]):
                face = ec2.describe_network_interfaces(NetworkInterfaceIds=[task.interface])["NetworkInterfaces"][0]
                describe_network.describe_network(ec2, face["VpcId"])
    for leftover in Leftovers(session, lambda _line: None).found():
        yield f"{leftover.kind} {leftover.name} is left"

