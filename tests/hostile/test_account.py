"""What a task, a web page or another program of the machine can do with the emulated account of a run."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import socket
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from preflight.system import waiting
from tests.hostile.account import Account
from tests.hostile.loopback import is_reached

pytestmark = pytest.mark.hostile
TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


@pytest.mark.hostile(
    2,
    "base",
    input="a task asks for a service that runs programs or fetches: Batch, CodeBuild, Step Functions, SageMaker, Glue, EMR, API Gateway and others",
    happens="refused in AWS's error form: the account offers what it models and what only stores",
)
@pytest.mark.parametrize(
    ("service", "target"),
    [
        ("batch", ""),
        ("codebuild", "CodeBuild_20161006.StartBuild"),
        ("codepipeline", "CodePipeline_20150709.StartPipelineExecution"),
        ("states", "AWSStepFunctions.StartExecution"),
        ("sagemaker", "SageMaker.CreateTrainingJob"),
        ("glue", "AWSGlue.StartJobRun"),
        ("elasticmapreduce", "ElasticMapReduce.RunJobFlow"),
        ("apigateway", ""),
        ("execute-api", ""),
        ("firehose", "Firehose_20150804.PutRecord"),
        ("scheduler", ""),
        ("iot", ""),
        ("ses", ""),
        ("rds", ""),
        ("transfer", "TransferService.StartFileTransfer"),
        ("dms", "AmazonDMSv20160101.StartReplicationTask"),
        ("mediaconvert", ""),
        ("nosuchservice", ""),
    ],
)
def test_a_service_that_runs_or_fetches_is_not_offered(account: Account, service: str, target: str) -> None:
    status, text = account.send("/", service=service, fields=[("X-Amz-Target", target)] if target else [])

    assert status == 400
    assert "does not offer" in text


@pytest.mark.parametrize(
    ("service", "path", "target"),
    [
        ("lambda", "/2015-03-31/functions/f/invocations", ""),
        ("lambda", "/2015-03-31/functions/f/%69nvocations/", ""),
        ("lambda", "//2015-03-31/functions/f/invocations", ""),
        ("lambda", "/2014-11-13/functions/f/invoke-async/", ""),
        ("lambda", "/2021-11-15/functions/f/response-streaming-invocations", ""),
        ("lambda", "/2021-10-31/functions/f/url", ""),
        ("lambda", "/2015-03-31/event-source-mappings/", ""),
        ("ssm", "/", "AmazonSSM.SendCommand"),
        ("ssm", "/?Action=SendCommand", ""),
        ("ssm", "/", "AmazonSSM.StartAutomationExecution"),
        ("ssm", "/", "AmazonSSM.StartSession"),
    ],
)
def test_an_operation_that_runs_programs_is_not_offered(account: Account, service: str, path: str, target: str) -> None:
    status, text = account.send(path, service=service, fields=[("X-Amz-Target", target)] if target else [])

    assert status == 400
    assert "does not offer" in text


@pytest.mark.parametrize(
    ("scope", "host"), [("s3", "batch.eu-west-1.amazonaws.com"), ("sts", "states.eu-west-1.amazonaws.com"), ("sqs", "motoapi.amazonaws.com")]
)
def test_the_name_of_a_service_as_host_opens_no_other_one(account: Account, scope: str, host: str) -> None:
    fields = [("X-Amz-Target", "AWSStepFunctions.ListStateMachines"), ("Content-Type", "application/x-amz-json-1.0")]

    _, batch = account.send("/v1/describejobqueues", service=scope, host=host)
    _, states = account.send("/", service=scope, host=host, fields=fields)

    assert "jobQueues" not in batch
    assert "stateMachines" not in states


@pytest.mark.hostile(
    2,
    "hog-reset",
    input="a task resets the account by moto's own API, under any spelling of its path",
    happens="404, and everything is still there",
)
@pytest.mark.parametrize(
    "path",
    [
        "/moto-api/reset",
        "//moto-api/reset",
        "/%6doto-api/reset",
        "/moto-api%2Freset",
        "/./moto-api/reset",
        "/x/../moto-api/reset",
        "/MOTO-API/reset",
        "/moto-api/recorder/replay-recording",
        "http://motoapi.amazonaws.com/moto-api/reset",
    ],
)
@pytest.mark.parametrize("host", [None, "motoapi.amazonaws.com"])
def test_motos_own_api_is_closed_under_every_spelling(account: Account, path: str, host: str | None) -> None:
    account.client("sqs").create_queue(QueueName="there")

    status, _ = account.send(path, host=host)

    assert status == 404
    assert account.client("sqs").get_queue_url(QueueName="there")["QueueUrl"]


@pytest.mark.hostile(
    2,
    input="a web page, or a name that leads to loopback (DNS rebinding), sends requests to the account",
    happens="403 unless the Host is loopback or an AWS name and there is no Origin; no answer has CORS headers",
)
@pytest.mark.parametrize(
    ("host", "fields"),
    [
        pytest.param("127.0.0.1.attacker.example", [], id="an address in a name"),
        pytest.param("attacker.example:80", [], id="a name with a port"),
        pytest.param("evilamazonaws.com", [], id="a name that ends like one of AWS"),
        pytest.param("s3.amazonaws.com.attacker.example", [], id="a name of AWS in another one"),
        pytest.param("localhost:80@attacker.example", [], id="a user"),
        pytest.param("attacker.example,127.0.0.1", [], id="two names"),
        pytest.param("2130706433", [], id="an address as a number"),
        pytest.param("0x7f000001", [], id="an address in hexadecimal"),
        pytest.param("[::ffff:10.0.0.1]", [], id="another address in IPv6"),
        pytest.param("169.254.169.254", [], id="a cloud's metadata service"),
        pytest.param("", [], id="nothing"),
        pytest.param(None, [("Origin", "null")], id="a page without an origin"),
        pytest.param(None, [("Origin", "http://127.0.0.1")], id="a page of this machine"),
    ],
)
def test_a_request_of_a_page_is_refused(account: Account, host: str | None, fields: list[tuple[str, str]]) -> None:
    assert account.send("/", host=host, fields=fields)[0] == 403


@pytest.mark.hostile(
    2,
    input="a program without the run's key, or with a made up one, uses the account as administrator",
    happens="refused as AWS does: the key is random for each run, and only its client knows it",
)
@pytest.mark.parametrize("key", ["anybody", "AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE", "rehearsal"])
def test_a_made_up_key_opens_nothing(account: Account, key: str) -> None:
    with pytest.raises(ClientError, match="security token included in the request is invalid"):
        account.client("sts", key).get_caller_identity()


@pytest.mark.hostile(
    8,
    input="a task sends a request of gigabytes to the account: an object, or a form without a key",
    happens="413, and nothing of it is read; the run ends with exit code 2",
    limit="64 MB a request, but for layers of images, which are streamed",
)
@pytest.mark.parametrize(
    ("path", "fields"),
    [
        pytest.param("/bucket/key", [], id="an object"),
        pytest.param("/", [("Content-Type", "application/x-www-form-urlencoded")], id="a form"),
        pytest.param("/v2/repo/blobs/uploads/", [("Content-Type", "application/x-www-form-urlencoded")], id="a form that looks like a layer"),
        pytest.param("/v2/apis", [], id="a signed request that looks like a layer"),
    ],
)
def test_a_request_of_gigabytes_is_not_read(account: Account, path: str, fields: list[tuple[str, str]]) -> None:
    host = urlsplit(account.endpoint).netloc
    scope = f"{account.key}/20260101/eu-west-1/s3/aws4_request"
    signed = ("Authorization", f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0")
    connection = http.client.HTTPConnection(host, timeout=20)

    connection.putrequest("PUT", path)
    for name, value in (signed, ("Content-Length", str(1 << 40)), *fields):
        connection.putheader(name, value)
    connection.endheaders()

    assert connection.getresponse().status == 413


def function(account: Account, marker: Path) -> str:
    """Returns the ARN of a function whose code would make a file."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("index.py", f"open({str(marker)!r}, 'w').close()\ndef handler(event, context): return 1")
    role = "arn:aws:iam::123456789012:role/f"
    with contextlib.suppress(ClientError):
        account.client("iam").create_role(RoleName="f", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", **TRUST}))
    given = {"FunctionName": f"f-{marker.parent.name[-60:]}", "Runtime": "python3.13", "Role": role}
    return str(account.client("lambda").create_function(**given, Handler="index.handler", Code={"ZipFile": archive.getvalue()})["FunctionArn"])


def publish(account: Account, protocol: str, url: str) -> None:
    topic = account.client("sns").create_topic(Name=f"to-{protocol}")["TopicArn"]
    account.client("sns").subscribe(TopicArn=topic, Protocol=protocol, Endpoint=url)
    account.client("sns").publish(TopicArn=topic, Message="from a task")


def fetch_template(account: Account, _protocol: str, url: str) -> None:
    with pytest.raises(ClientError):
        account.client("cloudformation").create_stack(StackName="fetched", TemplateURL=url)


@pytest.mark.hostile(
    4,
    "base",
    input="an SNS subscription or a TemplateURL of a task names a service of this machine",
    happens="no connection: the account's process reaches tasks of its run only",
)
@pytest.mark.parametrize("act", [publish, fetch_template], ids=["SNS", "TemplateURL"])
@pytest.mark.parametrize("protocol", ["http", "https"])
def test_the_account_connects_to_nothing_on_this_machine(
    account: Account, listener: socket.socket, act: Callable[..., None], protocol: str
) -> None:
    act(account, protocol, f"{protocol}://127.0.0.1:{listener.getsockname()[1]}/x")

    assert not is_reached(listener)


def by_secret(account: Account, function: str) -> None:
    account.client("secretsmanager").create_secret(Name="rotated", SecretString="x")
    account.client("secretsmanager").rotate_secret(SecretId="rotated", RotationLambdaARN=function)


def by_object(account: Account, function: str) -> None:
    s3: Any = account.client("s3")
    s3.create_bucket(Bucket="notifies", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    events = [{"LambdaFunctionArn": function, "Events": ["s3:ObjectCreated:*"]}]
    s3.put_bucket_notification_configuration(Bucket="notifies", NotificationConfiguration={"LambdaFunctionConfigurations": events})
    s3.put_object(Bucket="notifies", Key="k", Body=b"x")


def by_topic(account: Account, function: str) -> None:
    publish(account, "lambda", function)


def by_event(account: Account, function: str) -> None:
    events = account.client("events")
    events.put_rule(Name="r", EventPattern=json.dumps({"source": ["a"]}))
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": function}])
    events.put_events(Entries=[{"Source": "a", "DetailType": "b", "Detail": "{}"}])


@pytest.mark.hostile(
    2,
    input="a function is invoked by way of another service: a rotated secret, an object's notification, a topic, an event",
    happens="stored, and never run",
)
@pytest.mark.parametrize("act", [by_secret, by_object, by_topic, by_event])
def test_a_function_runs_by_way_of_no_other_service(account: Account, tmp_path: Path, act: Callable[..., None]) -> None:
    marker = tmp_path / "ran"

    act(account, function(account, marker))
    waiting.pause(0.3)

    assert not marker.exists()
