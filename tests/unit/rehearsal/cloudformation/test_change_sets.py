"""Change sets: what they show and refuse, and how they are executed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import botocore.exceptions
import pytest

from preflight.system import waiting

Client = Callable[[str], Any]


def groups(**groups: dict[str, Any]) -> str:
    return json.dumps({"Resources": {n: {"Type": "AWS::Logs::LogGroup", "Properties": g} for n, g in groups.items()}})


@pytest.fixture
def change_set(client: Client) -> Callable[..., dict[str, Any]]:
    """Create a change set, wait for its end and describe it."""

    def make(body: str, *, kind: str = "UPDATE", name: str = "c", **options: Any) -> dict[str, Any]:
        cloudformation = client("cloudformation")
        cloudformation.create_change_set(
            StackName="s", ChangeSetName=name, ChangeSetType=kind, TemplateBody=body, **options
        )

        def probe() -> dict[str, Any] | None:
            response: dict[str, Any] = cloudformation.describe_change_set(StackName="s", ChangeSetName=name)
            return None if response["Status"].endswith("_IN_PROGRESS") else response

        return waiting.until(probe, what="the change set", timeout=30, interval=0.05)

    return make


def test_a_new_stack_waits_in_review_until_its_change_set_is_executed(client: Client, change_set: Any) -> None:
    cloudformation = client("cloudformation")
    response = change_set(groups(A={"LogGroupName": "a"}), kind="CREATE")
    before = cloudformation.describe_stacks(StackName="s")["Stacks"][0]["StackStatus"]

    cloudformation.execute_change_set(StackName="s", ChangeSetName="c")
    cloudformation.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 1})

    events = cloudformation.describe_stack_events(StackName="s")["StackEvents"][::-1]
    assert response["ExecutionStatus"] == "AVAILABLE"
    assert [c["ResourceChange"]["Action"] for c in response["Changes"]] == ["Add"]
    assert before == "REVIEW_IN_PROGRESS"
    assert [e["ResourceStatus"] for e in events if e["LogicalResourceId"] == "s"] == [
        "REVIEW_IN_PROGRESS",
        "CREATE_IN_PROGRESS",
        "CREATE_COMPLETE",
    ]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param({"A": {"RetentionInDays": 14}}, [("Modify", "A", "False")], id="in place"),
        pytest.param(
            {"A": {"LogGroupName": "b", "RetentionInDays": 7}}, [("Modify", "A", "True")], id="by replacement"
        ),
        pytest.param(
            {"A": {"RetentionInDays": 7}, "B": {}}, [("Add", "B", None)], id="another one"
        ),
        pytest.param({"B": {}}, [("Add", "B", None), ("Remove", "A", None)], id="one for another"),
    ],
)  # fmt: skip
def test_a_change_set_shows_what_would_change(
    deploy: Any, change_set: Any, after: dict[str, Any], expected: list[tuple[str, str, str | None]]
) -> None:
    deploy(groups(A={"RetentionInDays": 7}))

    response = change_set(groups(**after))

    changes = [change["ResourceChange"] for change in response["Changes"]]
    assert [(c["Action"], c["LogicalResourceId"], c.get("Replacement")) for c in changes] == expected


def test_a_change_set_without_changes_fails_and_cannot_be_executed(
    client: Client, deploy: Any, change_set: Any
) -> None:
    deploy(groups(A={}))

    response = change_set(groups(A={}))

    with pytest.raises(botocore.exceptions.ClientError, match="cannot be executed in its current status") as refused:
        client("cloudformation").execute_change_set(StackName="s", ChangeSetName="c")
    assert response["Status"] == "FAILED"
    assert response["ExecutionStatus"] == "UNAVAILABLE"
    assert refused.value.response["Error"]["Code"] == "InvalidChangeSetStatus"
    assert response["StatusReason"].startswith("The submitted information didn't contain changes.")


def test_a_wrong_property_fails_the_change_set_and_describe_events_says_where(client: Client, change_set: Any) -> None:
    response = change_set(groups(A={"RetentionInDays": 8, "Nmae": "x"}), kind="CREATE")

    events = client("cloudformation").describe_events(ChangeSetName=response["ChangeSetId"])["OperationEvents"]
    paths = {(e["EventType"], e["ValidationPath"], e["ValidationFailureMode"]) for e in events}
    assert "AWS::EarlyValidation::PropertyValidation" in response["StatusReason"]
    assert paths == {
        ("VALIDATION_ERROR", "/Resources/A/Properties/RetentionInDays", "FAIL"),
        ("VALIDATION_ERROR", "/Resources/A/Properties", "FAIL"),
    }


@pytest.mark.parametrize(
    ("kind", "named", "code"),
    [
        pytest.param("CREATE", "s", "ValidationError", id="a second CREATE on a live stack"),
        pytest.param("UPDATE", "t", "ValidationError", id="UPDATE of no stack"),
    ],
)
def test_a_change_set_of_the_wrong_type_for_its_stack_is_refused(
    client: Client, deploy: Any, kind: str, named: str, code: str
) -> None:
    deploy(groups(A={}))

    with pytest.raises(botocore.exceptions.ClientError) as refused:
        client("cloudformation").create_change_set(
            StackName=named, ChangeSetName="c", ChangeSetType=kind, TemplateBody=groups(A={})
        )

    assert refused.value.response["Error"]["Code"] == code


def test_an_unknown_change_set_is_not_found(client: Client, deploy: Any) -> None:
    deploy(groups(A={}))

    with pytest.raises(client("cloudformation").exceptions.ChangeSetNotFoundException, match="does not exist"):
        client("cloudformation").describe_change_set(StackName="s", ChangeSetName="x")


def test_executing_an_update_deletes_all_change_sets_of_the_stack(client: Client, deploy: Any, change_set: Any) -> None:
    deploy(groups(A={"RetentionInDays": 7}))
    change_set(groups(A={"RetentionInDays": 14}), name="one")
    change_set(groups(A={"RetentionInDays": 30}), name="two")

    client("cloudformation").execute_change_set(StackName="s", ChangeSetName="one")

    client("cloudformation").get_waiter("stack_update_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    listed = client("cloudformation").list_change_sets(StackName="s")["Summaries"]
    assert listed == []


def test_a_stack_shows_the_change_set_that_it_was_made_by_and_no_empty_lists(client: Client, change_set: Any) -> None:
    change_set(groups(A={}), name="one", kind="CREATE")
    stacks = client("cloudformation")
    in_review = stacks.describe_stacks(StackName="s")["Stacks"][0]
    stacks.execute_change_set(StackName="s", ChangeSetName="one")
    stacks.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 1})

    stack = stacks.describe_stacks(StackName="s")["Stacks"][0]

    assert "ChangeSetId" not in in_review
    assert ":changeSet/one/" in stack["ChangeSetId"]
    assert "LastUpdatedTime" in stack
    assert {"Outputs", "Parameters", "Capabilities"} & stack.keys() == set()


def test_metadata_alone_is_no_change(client: Client, deploy: Any, change_set: Any) -> None:
    template = json.loads(groups(A={}))
    deploy(json.dumps(template))

    described = change_set(json.dumps({**template, "Metadata": {"a": 1}}), name="one")

    assert described["Status"] == "FAILED"


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        pytest.param("AWS::Logs::LogGroup", {"LogGroupName": "taken"}, id="a log group"),
        pytest.param("AWS::S3::Bucket", {"BucketName": "taken-bucket"}, id="a bucket"),
        pytest.param("AWS::ECS::Cluster", {"ClusterName": "taken"}, id="a cluster"),
        pytest.param("AWS::ECR::Repository", {"RepositoryName": "taken"}, id="a repository"),
        pytest.param("AWS::SSM::Parameter", {"Name": "taken", "Type": "String", "Value": "x"}, id="a parameter"),
    ],
)
def test_a_name_that_is_taken_fails_the_change_set_and_the_stack(
    deploy: Any, change_set: Any, client: Client, kind: str, properties: dict[str, Any]
) -> None:
    body = json.dumps({"Resources": {"A": {"Type": kind, "Properties": properties}}})
    deploy(body, name="first")

    response = change_set(body, kind="CREATE")
    stack = deploy(body, name="second")

    events = client("cloudformation").describe_stack_events(StackName=stack["StackId"])["StackEvents"]
    reasons = [e["ResourceStatusReason"] for e in events if e["ResourceStatus"] == "CREATE_FAILED"]
    assert "ResourceExistenceCheck" in response["StatusReason"]
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reasons[0].endswith("already exists.")


def test_a_secret_is_shown_in_no_change_set(change_set: Any, deploy: Any) -> None:
    """NoEcho parameters are hidden, and dynamic references stay as they are written."""
    def topic(name: str, secret: str) -> str:
        parameters = {"Secret": {"Type": "String", "NoEcho": True, "Default": secret}}
        properties = {"DisplayName": {"Fn::Sub": "x${Secret}"}, "Tags": [{"Key": "name", "Value": name}]}
        return json.dumps({"Parameters": parameters, "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": properties}}})

    deploy(topic("a", "hunter2"))
    response = change_set(topic("b", "hunter3"))

    shown = json.dumps(response["Changes"])
    assert "hunter" not in shown


def nested(name: str) -> str:
    return groups(A={"LogGroupName": name})


@pytest.fixture
def parents(client: Client) -> Callable[[str], str]:
    """Put a nested template into a bucket, and return the template of the stack around it."""
    s3 = client("s3")
    s3.create_bucket(Bucket="nested", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})

    def make(body: str) -> str:
        s3.put_object(Bucket="nested", Key="n.json", Body=body.encode())
        properties = {"TemplateURL": "https://nested.s3.ap-northeast-1.amazonaws.com/n.json"}
        return json.dumps({"Resources": {"Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": properties}}})

    return make


def test_change_sets_of_nested_stacks_are_included_if_wanted(client: Client, change_set: Any, deploy: Any, parents: Any) -> None:
    deploy(parents(nested("a")))
    response = change_set(parents(nested("b")), IncludeNestedStacks=True)
    (change,) = response["Changes"]

    child = client("cloudformation").describe_change_set(ChangeSetName=change["ResourceChange"]["ChangeSetId"])

    assert child["ParentChangeSetId"] == response["ChangeSetId"]
    assert [c["ResourceChange"]["Replacement"] for c in child["Changes"]] == ["True"]
    with pytest.raises(botocore.exceptions.ClientError, match="execute its root change set"):
        client("cloudformation").execute_change_set(ChangeSetName=child["ChangeSetId"])


def test_change_sets_of_nested_stacks_go_with_their_root(client: Client, change_set: Any, deploy: Any, parents: Any) -> None:
    deploy(parents(nested("a")))
    response = change_set(parents(nested("b")), IncludeNestedStacks=True)
    child = response["Changes"][0]["ResourceChange"]["ChangeSetId"]

    client("cloudformation").delete_change_set(ChangeSetName=response["ChangeSetId"])

    with pytest.raises(botocore.exceptions.ClientError, match="does not exist"):
        client("cloudformation").describe_change_set(ChangeSetName=child)


def test_a_nested_stack_is_updated_to_another_template_at_the_same_url(client: Client, deploy: Any, parents: Any) -> None:
    deploy(parents(nested("a")))
    cloudformation = client("cloudformation")
    cloudformation.update_stack(StackName="s", TemplateBody=parents(nested("b")))
    cloudformation.get_waiter("stack_update_complete").wait(StackName="s", WaiterConfig={"Delay": 1})

    groups = client("logs").describe_log_groups()["logGroups"]

    assert [group["logGroupName"] for group in groups] == ["b"]


@pytest.mark.parametrize(
    ("inner", "has_late_failure"),
    [
        pytest.param(groups(A={"LogGroupName": "b"}), True, id="a nested stack that had been updated"),
        pytest.param(groups(A={"LogGroupName": "b"}, B={"LogGroupName": "taken"}), False, id="a nested stack that failed itself"),
    ],
)
def test_a_rollback_gives_nested_stacks_their_former_template(client: Client, deploy: Any, parents: Any, inner: str, *, has_late_failure: bool) -> None:
    client("logs").create_log_group(logGroupName="taken")
    cloudformation = client("cloudformation")
    deploy(parents(nested("a")))
    template = json.loads(parents(inner))
    if has_late_failure:
        late = {"Type": "AWS::Logs::LogGroup", "DependsOn": "Inner", "Properties": {"LogGroupName": "taken"}}
        template["Resources"]["Late"] = late
    cloudformation.update_stack(StackName="s", TemplateBody=json.dumps(template), DisableValidation=True)

    def ended() -> str | None:
        status = str(cloudformation.describe_stacks(StackName="s")["Stacks"][0]["StackStatus"])
        return None if status.endswith("_IN_PROGRESS") else status

    status = waiting.until(ended, what="the rollback", timeout=30)

    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert {group["logGroupName"] for group in client("logs").describe_log_groups()["logGroups"]} == {"a", "taken"}


def test_the_previous_value_of_a_parameter_is_the_default_of_then(client: Client, deploy: Any) -> None:
    def template(default: str, description: str) -> str:
        properties = {"LogGroupName": {"Ref": "Name"}, "Tags": [{"Key": "for", "Value": description}]}
        parameters = {"Name": {"Type": "String", "Default": default}}
        return json.dumps({"Parameters": parameters, "Resources": {"A": {"Type": "AWS::Logs::LogGroup", "Properties": properties}}})

    deploy(template("a", "one"))
    cloudformation = client("cloudformation")
    previous = [{"ParameterKey": "Name", "UsePreviousValue": True}]
    cloudformation.update_stack(StackName="s", TemplateBody=template("b", "two"), Parameters=previous)
    cloudformation.get_waiter("stack_update_complete").wait(StackName="s", WaiterConfig={"Delay": 1})

    assert [group["logGroupName"] for group in client("logs").describe_log_groups()["logGroups"]] == ["a"]
