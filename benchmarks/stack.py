"""A stack of 500 resources against the same API calls made by boto3 at the same server, in one run.

The ratio counts; seconds and memory are printed for information.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

TARGET = 2.0
COUNT = 500
REGION = "ap-northeast-1"
KINDS = 5


@contextmanager
def running_account() -> Iterator[tuple[str, int]]:
    """Yields the address of an emulated account and its process id."""
    command = [sys.executable, "-m", "preflight", "serve", "--until-eof", "--containers", "off"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError(command)
        yield json.loads(process.stdout.readline())["endpoint"], process.pid
        process.stdin.close()


def template(prefix: str) -> str:
    """Returns a template of resources of five types, a hundred of each."""

    def resource(n: int) -> dict[str, Any]:
        name = f"{prefix}-{n}"
        return (
            {"Type": "AWS::SSM::Parameter", "Properties": {"Name": name, "Type": "String", "Value": "x"}},
            {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name, "RetentionInDays": 7}},
            {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}},
            {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}},
            {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupName": name, "GroupDescription": "d"}},
        )[n % KINDS]

    return json.dumps({"Resources": {f"R{n}": resource(n) for n in range(COUNT)}})


def by_stack(client: Callable[[str], Any], prefix: str) -> float:
    """Returns the seconds until the stack is complete."""
    cloudformation = client("cloudformation")
    started = time.perf_counter()
    cloudformation.create_stack(StackName=prefix, TemplateBody=template(prefix))
    while True:
        status = cloudformation.describe_stacks(StackName=prefix)["Stacks"][0]["StackStatus"]
        if status != "CREATE_IN_PROGRESS":
            break
        time.sleep(0.05)
    if status != "CREATE_COMPLETE":
        raise RuntimeError(status)
    return time.perf_counter() - started


def by_calls(client: Callable[[str], Any], prefix: str) -> float:
    """Returns the seconds of the calls that create the same resources, one after the other."""
    ssm, logs, sns, sqs, ec2 = (client(name) for name in ("ssm", "logs", "sns", "sqs", "ec2"))
    stack = [{"Key": "aws:cloudformation:stack-name", "Value": prefix}]
    started = time.perf_counter()
    for n in range(COUNT):
        name = f"{prefix}-{n}"
        if n % KINDS == 0:
            ssm.put_parameter(Name=name, Type="String", Value="x", Tags=stack)
        elif n % KINDS == 1:
            logs.create_log_group(logGroupName=name)
            logs.put_retention_policy(logGroupName=name, retentionInDays=7)
        elif n % KINDS == 2:
            sns.create_topic(Name=name, Tags=stack)
        elif n % KINDS == 3:
            url = sqs.create_queue(QueueName=name)["QueueUrl"]
            sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        else:
            group = ec2.create_security_group(GroupName=name, Description="d")["GroupId"]
            ec2.create_tags(Resources=[group], Tags=[{"Key": "stack", "Value": prefix}])
            ec2.describe_security_groups(GroupIds=[group])
    return time.perf_counter() - started


def megabytes(pid: int) -> float:
    """Returns the resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with running_account() as (endpoint, pid):

        def client(service: str) -> Any:
            return boto3.client(
                service,
                region_name=REGION,
                endpoint_url=endpoint,
                aws_access_key_id="rehearsal",
                aws_secret_access_key="rehearsal",  # noqa: S106 - opens nothing
            )

        by_calls(client, "warm")
        before = megabytes(pid)
        pairs = [(by_stack(client, f"s{n}"), by_calls(client, f"c{n}")) for n in range(rounds)]
        after = megabytes(pid)
    ours, theirs = zip(*pairs, strict=True)
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"{COUNT} resources: stack {statistics.median(ours):.2f} s, boto3 {statistics.median(theirs):.2f} s")
    print(f"ratio {ratio:.2f} (target at most {TARGET})")
    print(f"memory: {before:.0f} MB before, {after:.0f} MB after {rounds} stacks of {COUNT}")
    return 0 if ratio <= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
