"""Bad input at the API: an answer in the protocol, in time, and never a 500, a page of HTML or code that runs."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from preflight.rehearsal import server
from preflight.rehearsal.server import Server
from preflight.system import waiting

BOUND = 10.0  # seconds
SIGNED = "AWS4-HMAC-SHA256 Credential=x/20260101/ap-northeast-1/{}/aws4_request, SignedHeaders=host, Signature=0"
RELAXED = settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=False
)
FUNCTIONS = (
    "Ref", "Condition", "Fn::And", "Fn::Base64", "Fn::Cidr", "Fn::Contains", "Fn::Equals", "Fn::FindInMap",
    "Fn::ForEach::Loop", "Fn::GetAZs", "Fn::GetAtt", "Fn::If", "Fn::ImportValue", "Fn::Join", "Fn::Length",
    "Fn::Nope", "Fn::Not", "Fn::Or", "Fn::Select", "Fn::Split", "Fn::Sub", "Fn::ToJsonString", "Fn::Transform",
)  # fmt: skip
SECTIONS = (
    "AWSTemplateFormatVersion", "Conditions", "Description", "Mappings", "Metadata", "Outputs", "Parameters",
    "Resources", "Rules", "Transform",
)  # fmt: skip
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
    st.sampled_from(["A", "B", "C", "M", "AWS::Region", "AWS::NoValue", "${A}", "${A.Arn}", "${", "${!x}", "10.0.0.0/16"]),
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(max_size=6), inner, max_size=3),
        st.tuples(st.sampled_from(FUNCTIONS), inner).map(lambda pair: {pair[0]: pair[1]}),
    ),
    max_leaves=8,
)
KIND = {"Type": "AWS::Logs::LogGroup"}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server.running(folder=tmp_path_factory.mktemp("account")) as running:
        yield running


def post(account: Server, body: bytes, *, service: str = "cloudformation", **headers: str) -> tuple[int, str]:
    """Status and text of the answer, which has to come in time."""
    connection = http.client.HTTPConnection(urlsplit(account.address).netloc, timeout=BOUND)
    plain = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": SIGNED.format(service)}
    try:
        connection.request("POST", "/", body, {**plain, **headers})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


def action(account: Server, name: str, **given: str) -> tuple[int, str]:
    fields = {"Action": name, "Version": "2010-05-15", **given}
    text = "&".join(f"{key}={quote(value, safe='', errors='surrogatepass')}" for key, value in fields.items())
    return post(account, text.encode())


def is_answer(status: int, text: str) -> bool:
    """Whether it is what AWS could have answered."""
    is_clean = "Traceback" not in text and "<html" not in text.lower() and "<!doctype" not in text.lower()
    return is_clean and status in {200, 400, 403, 404}


def check(account: Server, body: str) -> None:
    """Every action that takes a template answers it."""
    for name in ("ValidateTemplate", "GetTemplateSummary"):
        status, text = action(account, name, TemplateBody=body)
        assert is_answer(status, text), (name, status, text[:500])
    more = {"Capabilities.member.1": "CAPABILITY_NAMED_IAM", "Capabilities.member.2": "CAPABILITY_AUTO_EXPAND"}
    stack = f"s{time.monotonic_ns()}"
    status, text = action(account, "CreateStack", StackName=stack, TemplateBody=body, **more)
    is_transform = "is not applied by the rehearsal" in text or "is not evaluated by the rehearsal" in text
    assert is_answer(status, text) or is_transform, (status, text[:500])
    if status == 200:
        settle(account)


def settle(account: Server) -> None:
    """Every stack ends, and not by a fault of ours."""
    waiting.until(
        lambda: all(stack.is_finished for stack in account.parts.cloudformation.stacks.all()),
        what="the stacks to end",
        timeout=BOUND,
        interval=0.01,
    )
    assert [said for said in account.ledger.troubles if "internal error" in said] == []


@RELAXED
@given(st.dictionaries(st.sampled_from(SECTIONS), values, max_size=4))
def test_any_sections(account: Server, sections: dict[str, Any]) -> None:
    check(account, json.dumps({"Resources": {"A": KIND}, **sections}))


@RELAXED
@given(values)
def test_any_property(account: Server, value: Any) -> None:
    resources = {"A": KIND, "B": {**KIND, "Properties": {"LogGroupName": value, "RetentionInDays": value}}}
    body = {
        "Mappings": {"M": {"A": {"B": "x"}}},
        "Conditions": {"C": {"Fn::Equals": ["a", "a"]}},
        "Resources": resources,
    }
    check(account, json.dumps(body))


@RELAXED
@given(st.sampled_from(["Condition", "DependsOn", "DeletionPolicy", "Metadata", "Type", "UpdatePolicy"]), values)
def test_any_attribute(account: Server, name: str, value: Any) -> None:
    check(account, json.dumps({"Resources": {"A": KIND, "B": {**KIND, name: value}}}))


@RELAXED
@given(values, st.sampled_from(["Parameters", "Conditions", "Mappings", "Outputs", "Rules"]))
def test_any_member(account: Server, value: Any, section: str) -> None:
    check(account, json.dumps({"Resources": {"A": KIND}, section: {"A1": value}}))


@RELAXED
@given(values)
def test_any_loop(account: Server, value: Any) -> None:
    loop = {"Fn::ForEach::L": ["N", value, {"G${N}": KIND}], "A": KIND}
    check(account, json.dumps({"Transform": "AWS::LanguageExtensions", "Resources": loop}))


@RELAXED
@given(st.text(max_size=200))
def test_any_text(account: Server, text: str) -> None:
    check(account, text)


@RELAXED
@given(st.binary(max_size=300), st.sampled_from(["cloudformation", "ecs", "ec2", "logs", "iam", "ecr"]))
def test_any_bytes(account: Server, body: bytes, service: str) -> None:
    status, text = post(account, body, service=service)

    assert status < 500, text
    assert "Traceback" not in text


@RELAXED
@given(
    st.sampled_from(["CreateService", "RunTask", "RegisterTaskDefinition", "UpdateService", "DescribeTasks", "CreateCluster"]),
    st.dictionaries(
        st.sampled_from(["cluster", "family", "containerDefinitions", "networkConfiguration", "serviceName", "tasks", "taskDefinition", "cpu", "memory", "loadBalancers", "desiredCount", "settings"]),
        values,
        max_size=6,
    ),
)  # fmt: skip
def test_any_input_of_ecs(account: Server, name: str, given_: dict[str, Any]) -> None:
    target = {
        "X-Amz-Target": f"AmazonEC2ContainerServiceV20141113.{name}",
        "Content-Type": "application/x-amz-json-1.1",
    }
    status, text = post(account, json.dumps(given_).encode(), service="ecs", **target)

    assert is_answer(status, text), (status, text[:500])


DEEP = 10_000
BOMB = "\n".join(["a: &a [x, x]", *(f"{b}: &{b} [*{a}, *{a}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True))])


@pytest.mark.hostile(
    12,
    input="alias bombs, 10,000 levels, 5,000 digits, endless variables, tags of Python, characters that XML does not have",
    happens="an answer in the protocol",
    limit="10 s",
)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param('{"Resources": {"A": {"Type"', id="truncated JSON"),
        pytest.param("Resources:\n  A: {Type: [", id="truncated YAML"),
        pytest.param("\x00\x01\x02", id="binary"),
        pytest.param("[" * DEEP, id="10,000 deep, open"),
        pytest.param("[" * DEEP + "]" * DEEP, id="10,000 deep, closed"),
        pytest.param('{"a":' * DEEP + "1" + "}" * DEEP, id="10,000 maps deep"),
        pytest.param('{"Resources": {"A": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": ' + '{"Fn::Sub": ' * 900 + '"x"' + "}" * 900 + "}}}}", id="900 functions deep"),
        pytest.param("Resources: " + "- " * DEEP, id="10,000 deep in block style"),
        pytest.param(BOMB, id="an alias bomb"),
        pytest.param("Resources: &r {A: *r}", id="an alias of itself"),
        pytest.param("Resources: {A: {Type: AWS::SNS::Topic}, A: {Type: AWS::SNS::Topic}}", id="a doubled key"),
        pytest.param("Resources: {<<: {A: {Type: AWS::SNS::Topic}}}", id="a merge key"),
        pytest.param("Resources: !!python/object/apply:os.system ['true']", id="a tag of Python"),
        pytest.param("Resources: {? [a, b] : c}", id="a list as key"),
        pytest.param("Resources: {1: {2: 3}}", id="numbers as keys"),
        pytest.param("x" * 2_000_000, id="2 MB"),
        pytest.param("", id="nothing"),
        pytest.param("https://example.org/template", id="a URL"),
        pytest.param(json.dumps({"Parameters": {"P": {"Type": "String", "Default": "a" * 30 + "!", "AllowedPattern": "(a+)+$"}}, "Resources": {"A": KIND}}), id="a pattern that backtracks"),
        pytest.param(json.dumps({"Parameters": {"P": {"Type": "Number", "Default": "1e999999999"}}, "Resources": {"A": KIND}}), id="a huge number"),
        pytest.param('{"Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": ' + "9" * 5000 + "}}}}", id="5,000 digits"),
        pytest.param(json.dumps({"Resources": {"A": {**KIND, "Properties": {"LogGroupName": {"Fn::Cidr": ["::/0", 256, 127]}}}}}), id="a wide network"),
        pytest.param(json.dumps({"Resources": {"A": {**KIND, "Properties": {"LogGroupName": {"Fn::Select": ["9" * 5000, ["a"]]}}}}}), id="a huge index"),
        pytest.param("\ud800", id="half a character"),
        pytest.param(json.dumps({"Resources": {"A": {**KIND, "Properties": {"LogGroupName": {"Fn::Sub": "${" * 400_000}}}}}), id="variables that never end"),
        pytest.param('Resources: {"A\\0": {Type: "AWS::SNS\\x0b::Topic", Properties: {"\\uffff": 1}}}', id="characters that XML does not have"),
    ],
)  # fmt: skip
def test_what_would_hurt_others(account: Server, body: str) -> None:
    began = time.monotonic()

    check(account, body)

    assert time.monotonic() - began < BOUND


@pytest.mark.hostile
@pytest.mark.parametrize("name", ["a\0b", "a\x1bb", "a\ufffeb"], ids=["NUL", "escape", "no character"])
def test_an_answer_in_xml_is_xml_whatever_it_names(account: Server, name: str) -> None:
    body = json.dumps({"Resources": {name: KIND}, "Outputs": {"O": {"Value": {"Ref": name + "x"}}}})

    _, text = action(account, "CreateStack", StackName="xml", TemplateBody=body)

    assert ET.fromstring(text) is not None  # noqa: S314 - of the account under test


@pytest.mark.parametrize(
    ("name", "given_"),
    [
        pytest.param("CreateStack", {}, id="no name"),
        pytest.param("CreateStack", {"StackName": "a/b", "TemplateBody": "{}"}, id="a wrong name"),
        pytest.param("CreateStack", {"StackName": "x", "TemplateURL": "file:///etc/passwd"}, id="a file"),
        pytest.param("CreateStack", {"StackName": "x", "TemplateURL": "https://["}, id="half a URL"),
        pytest.param("CreateStack", {"StackName": "x", "TemplateURL": "http://169.254.169.254/x"}, id="metadata"),
        pytest.param("CreateStack", {"StackName": "x", "TimeoutInMinutes": "x", "TemplateBody": "{}"}, id="no number"),
        pytest.param("CreateStack", {"StackName": "x", "Parameters.member.1": "x"}, id="a parameter of nothing"),
        pytest.param("CreateStack", {"StackName": "x", "Parameters.member.x.ParameterKey": "x"}, id="no index"),
        pytest.param("CreateStack", {"StackName": "x", "Tags.member.1.Key": "aws:x"}, id="a tag of AWS"),
        pytest.param("UpdateStack", {"StackName": "none", "UsePreviousTemplate": "true"}, id="no stack to update"),
        pytest.param("DescribeStacks", {"StackName": "none"}, id="no stack"),
        pytest.param("DescribeStacks", {"NextToken": "x"}, id="no token"),
        pytest.param("DescribeStacks", {"NextToken": "9" * 5000}, id="a long token"),
        pytest.param("DescribeEvents", {}, id="no subject"),
        pytest.param("DescribeChangeSet", {"ChangeSetName": "x"}, id="a change set of nothing"),
        pytest.param("CreateChangeSet", {"StackName": "x", "ChangeSetName": "-"}, id="a wrong change set"),
        pytest.param("CreateChangeSet", {"StackName": "x", "ChangeSetName": "y", "ChangeSetType": "NO"}, id="no type"),
        pytest.param("RollbackStack", {"StackName": "none"}, id="nothing to roll back"),
        pytest.param("ListImports", {}, id="no export"),
        pytest.param("Nope", {}, id="no action"),
        pytest.param("DetectStackDrift", {"StackName": "x"}, id="an action that is not modelled"),
    ],
)
def test_wrong_requests_are_refused(account: Server, name: str, given_: dict[str, str]) -> None:
    status, text = action(account, name, **given_)

    assert 400 <= status < 500
    assert "<Error>" in text
    assert "Traceback" not in text
