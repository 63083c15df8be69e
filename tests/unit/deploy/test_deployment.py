"""A deployment that is interrupted, and what it reports of what it could not delete."""

from __future__ import annotations

import contextlib
from pathlib import Path
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from preflight.deploy import stacks
from preflight.deploy.deletion import Deletion
from preflight.deploy.deployment import Deployment, DeploymentFailedError
from preflight.deploy.stacks import Failure, RefusedError, StackFailedError
from preflight.errors import StopRequested
from preflight.plan.plan import ImageStep, StackStep


def test_what_remains_is_reported_even_if_its_line_cannot_be_found() -> None:
    """Looking for the line of a nested stack sends requests to AWS; the rest is deleted all the same."""
    denied = ClientError({"Error": {"Code": "Throttling", "Message": "slow"}}, "DescribeStackEvents")
    failed = StackFailedError("s", "DELETE_FAILED", [Failure("s", "Inner", stacks.STACK, "DELETE_FAILED", "full")])
    findings = mock.MagicMock()
    findings.of_resource.side_effect = denied
    findings.of_plan.side_effect = lambda _check, message, _fix: message
    deletion = Deletion(mock.MagicMock(), findings, lambda _: None, sweep="preflight sweep", tags={}, outlives=True)

    with mock.patch.object(deletion, "_removal") as removal:
        removal.stack.side_effect = failed
        deletion.delete_stack("s", "s", is_unanswered=False)

    assert [str(finding) for finding in deletion.remains] == ["AWS::CloudFormation::Stack Inner may still be there: full"]


@pytest.mark.parametrize(
    ("error", "is_unanswered"),
    [
        pytest.param(StopRequested(130), True, id="an interrupted request may still create its stack"),
        pytest.param(RefusedError("s", "ValidationError", "no"), False, id="a refused request creates nothing"),
    ],
)
def test_only_a_stack_whose_creation_is_unanswered_is_waited_for(error: BaseException, *, is_unanswered: bool) -> None:
    """Otherwise it would stay in review while the run says that everything was deleted."""
    deployment = Deployment(mock.MagicMock(), mock.MagicMock(), lambda _: None, tags={}, platforms={})
    deployment._findings = mock.MagicMock()
    deployment._stacks = mock.MagicMock()
    deployment._stacks.create.side_effect = error
    with contextlib.suppress(StopRequested, DeploymentFailedError), mock.patch.object(deployment, "_request"):
        deployment._create_stack(mock.MagicMock())

    with mock.patch("preflight.deploy.deployment.Deletion") as deletion:
        deployment.delete()

    assert deletion.return_value.delete_stack.call_args.kwargs == {"is_unanswered": is_unanswered}


def test_an_unanswered_stack_is_deleted_once_it_appears() -> None:
    deletion = Deletion(mock.MagicMock(), mock.MagicMock(), lambda _: None, sweep="preflight sweep", tags={}, outlives=True)
    with mock.patch.object(deletion, "_stacks") as lookup, mock.patch.object(deletion, "_removal") as removal:
        lookup.tags.side_effect = [{}, {"preflight:run": "x"}]
        removal.stack.return_value = []
        deletion.delete_stack("s", "s", is_unanswered=True)

    assert lookup.tags.call_count == 2
    removal.stack.assert_called_once_with("s", own=None)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        pytest.param("{output.VpcId}", "vpc-1", id="an output"),
        pytest.param("{prefix}-{output.VpcId}", "web-vpc-1", id="an output and a placeholder"),
        pytest.param("{prefix}", "web", id="no output"),
    ],
)
def test_a_parameter_may_hold_an_output_of_an_earlier_step(text: str, filled: str) -> None:
    deployment = Deployment(mock.MagicMock(), mock.MagicMock(), lambda _: None, tags={}, platforms={})
    deployment.values = {"prefix": "web"}

    with mock.patch.object(deployment, "output", return_value="vpc-1"):
        assert deployment._filled(mock.MagicMock(), "P", text) == filled


def test_an_output_that_no_earlier_step_has_is_a_finding() -> None:
    deployment = Deployment(mock.MagicMock(), mock.MagicMock(), lambda _: None, tags={}, platforms={})
    deployment.values = {"prefix": "web"}
    step = StackStep("{prefix}-app", mock.MagicMock(), {}, ())

    with pytest.raises(DeploymentFailedError, match="stack web-app: parameter P: no earlier step has an output Nope"):
        deployment._filled(step, "P", "{output.Nope}")


def test_a_stack_that_fails_before_anything_is_created_is_found_in_its_template(tmp_path: Path) -> None:
    template = tmp_path / "t.yaml"
    template.write_text("Resources:\n  Logs:\n    Type: AWS::Logs::LogGroup\n")
    failure = Failure("web", "Logs", "AWS::Logs::LogGroup", "CREATE_FAILED", "it already exists")
    deployment = Deployment(mock.MagicMock(), mock.MagicMock(names={}), lambda _: None, tags={}, platforms={})
    deployment._stacks = deployment.declared_resources._stacks = mock.MagicMock()
    deployment._stacks.create.side_effect = StackFailedError("web", "FAILED", [failure])
    deployment._stacks.resources.return_value = []

    with mock.patch.object(deployment, "_request"), pytest.raises(DeploymentFailedError) as failed:
        deployment._create_stack(StackStep("web", template, {}, ()))

    assert [(finding.file, finding.line) for finding in failed.value.findings] == [(str(template), 2)]


def deployed(steps: tuple[StackStep | ImageStep, ...]) -> Deployment:
    """Returns a deployment of steps, whose target and images are replaced."""
    target = mock.MagicMock()
    target.values.return_value = {"prefix": "web", "run": "1", "bucket": "b", "templates": "t"}
    options = mock.MagicMock(run="1")
    options.plan.steps = steps
    options.plan.stacks = tuple(step for step in steps if isinstance(step, StackStep))
    with mock.patch("preflight.deploy.deployment.StagedTemplates"):
        deployment = Deployment(target, options, lambda _: None, tags={}, platforms={})
    deployment._findings = mock.MagicMock()
    deployment._findings.of_platform.return_value = None
    return deployment


def test_a_stack_that_was_never_created_has_no_events() -> None:
    deployment = deployed(())
    deployment._stack_ids = {"a": "a"}
    deployment._events = mock.Mock(records=mock.Mock(side_effect=ClientError({"Error": {}}, "DescribeStackEvents")))

    assert deployment.events() == []


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        pytest.param("{run}", "2", id="the tag"),
        pytest.param("registry/{prefix}:{run}", "registry/web:2", id="an image of that tag"),
        pytest.param("{prefix}-{run}", "web-1", id="a name"),
    ],
)
def test_after_an_update_only_tags_of_images_have_another_run(text: str, filled: str) -> None:
    deployment = deployed((ImageStep("{prefix}-{run}:{run}", Path("docker")),))
    deployment._image_run = "2"

    assert deployment._filled(mock.MagicMock(), "P", text) == filled


def test_an_image_of_the_same_tag_is_pushed_again_if_its_files_differ(tmp_path: Path) -> None:
    for name, page in (("a", "x"), ("b", "x"), ("c", "y")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "page").write_text(page)
    deployment = deployed(())

    with mock.patch.object(deployment, "_images") as images:
        for name in ("a", "b", "c"):
            deployment._push(ImageStep("web:1", tmp_path / name))

    assert [call.args[0].build.name for call in images.push.mock_calls] == ["a", "c"]


def test_an_update_deletes_the_stacks_that_the_plan_no_longer_has_last_first() -> None:
    deployment = deployed(())
    deployment._stacks = mock.MagicMock()
    deployment._stack_ids = {"network": "arn:1", "app": "arn:2", "stays": "arn:3"}

    deployment._delete_others({"stays"})

    assert [call.args[0] for call in deployment._stacks.delete.mock_calls] == ["arn:2", "arn:1"]
    assert deployment.stack_names == ("stays",)
