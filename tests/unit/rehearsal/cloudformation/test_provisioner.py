"""Creating a stack: the order, what a failure rolls back, and what it keeps."""

from __future__ import annotations

import threading

import pytest

from preflight.rehearsal.cloudformation.provisioner import Provisioner
from preflight.rehearsal.cloudformation.resources.context import HandlerContext
from tests.unit.rehearsal.cloudformation.conftest import RecordingService, new_stack, request, thing


def test_resources_are_created_after_what_they_need(provisioner: Provisioner, service: RecordingService) -> None:
    stack = new_stack(provisioner, request(C=thing("c", "B"), B=thing("b", "A"), A=thing("a")))

    assert service.calls == ["create a", "create b", "create c"]
    assert stack.status == "CREATE_COMPLETE"


def test_a_rollback_deletes_users_first_and_not_what_failed(
    provisioner: Provisioner, service: RecordingService
) -> None:
    service.failing.add("create c")

    stack = new_stack(provisioner, request(A=thing("a"), B=thing("b", "A"), C=thing("c", "B")))

    assert service.calls == ["create a", "create b", "create c", "delete b", "delete a"]
    assert stack.status == "ROLLBACK_COMPLETE"


def test_the_reason_of_a_rollback_names_what_failed(provisioner: Provisioner, service: RecordingService) -> None:
    service.failing.add("create b")

    stack = new_stack(provisioner, request(A=thing("a"), B=thing("b", "A")))

    reasons = [event.reason for event in stack.events if event.status == "ROLLBACK_IN_PROGRESS"]
    assert reasons == ["The following resource(s) failed to create: [B]. Rollback requested by user."]


@pytest.mark.parametrize(
    ("policy", "status"),
    [
        pytest.param("Retain", "DELETE_SKIPPED", id="Retain keeps it"),
        pytest.param("RetainExceptOnCreate", "DELETE_COMPLETE", id="RetainExceptOnCreate deletes it"),
        pytest.param("Delete", "DELETE_COMPLETE", id="Delete deletes it"),
    ],
)
def test_a_rollback_follows_the_deletion_policy(
    provisioner: Provisioner, service: RecordingService, policy: str, status: str
) -> None:
    service.failing.add("create b")

    stack = new_stack(provisioner, request(A=thing("a", DeletionPolicy=policy), B=thing("b", "A")))

    assert stack.resources["A"].status == status
    assert stack.status == "ROLLBACK_COMPLETE"


def test_retain_except_on_create_of_the_request_deletes_what_a_rollback_would_retain(
    provisioner: Provisioner, service: RecordingService
) -> None:
    service.failing.add("create b")
    stack_input = request(A=thing("a", DeletionPolicy="Retain"), B=thing("b", "A"))
    stack_input.retains_except_on_create = True

    stack = new_stack(provisioner, stack_input)

    assert stack.resources["A"].status == "DELETE_COMPLETE"


def test_do_nothing_keeps_what_was_created_until_it_is_rolled_back(
    provisioner: Provisioner, service: RecordingService
) -> None:
    service.failing.add("create b")
    stack = new_stack(provisioner, request("DO_NOTHING", A=thing("a"), B=thing("b", "A")))
    assert stack.status == "CREATE_FAILED"
    service.calls.clear()

    provisioner.roll_back(stack)

    assert service.calls == ["delete a"]
    assert stack.status == "ROLLBACK_COMPLETE"


def test_on_failure_delete_deletes_the_stack_as_well(provisioner: Provisioner, service: RecordingService) -> None:
    service.failing.add("create b")

    stack = new_stack(provisioner, request("DELETE", A=thing("a"), B=thing("b", "A")))

    assert stack.status == "DELETE_COMPLETE"
    assert [event.status for event in stack.events if event.logical_id == "s"][-3:] == [
        "ROLLBACK_COMPLETE",
        "DELETE_IN_PROGRESS",
        "DELETE_COMPLETE",
    ]


def test_a_rollback_that_cannot_delete_fails(provisioner: Provisioner, service: RecordingService) -> None:
    service.failing |= {"create b", "delete a"}

    stack = new_stack(provisioner, request(A=thing("a"), B=thing("b", "A")))

    assert stack.status == "ROLLBACK_FAILED"
    assert stack.reason == "The following resource(s) failed to delete: [A]. "


def test_an_export_that_another_stack_has_fails_the_stack(provisioner: Provisioner) -> None:
    output = {"O": {"Value": "v", "Export": {"Name": "e"}}}
    exporter = provisioner.stacks.new("us-east-1", "exporter", request(outputs=output, A=thing("a")))
    provisioner.stacks.add(exporter)
    provisioner.create(exporter)

    stack = new_stack(provisioner, request(outputs=output, A=thing("b")))

    reasons = [event.reason for event in stack.events if event.status == "ROLLBACK_IN_PROGRESS"]
    assert reasons == ["Export with name e is already exported by stack exporter. Rollback requested by user."]


def test_a_creation_that_is_cancelled_starts_nothing_more_and_sets_no_status(
    provisioner: Provisioner, service: RecordingService
) -> None:
    stack = provisioner.stacks.new("us-east-1", "s", request(A=thing("a"), B=thing("b", "A")))
    service.hooks["create a"] = lambda _context: stack.cancel.set()

    provisioner.create(stack)

    assert service.calls == ["create a"]
    assert [event for event in stack.events if event.logical_id == "s"] == []


def test_a_creation_that_runs_when_another_fails_is_cancelled(
    provisioner: Provisioner, service: RecordingService
) -> None:
    started = threading.Event()
    service.hooks["create a"] = lambda _context: started.wait(10)

    def wait_until_stopped(context: HandlerContext) -> None:
        started.set()
        context.stop.wait(10)

    service.hooks["create b"] = wait_until_stopped
    service.failing |= {"create a", "create b"}

    stack = new_stack(provisioner, request(A=thing("a"), B=thing("b")))

    reasons = {event.logical_id: event.reason for event in stack.events if event.status == "CREATE_FAILED"}
    assert reasons == {"A": "create a", "B": "Resource creation cancelled"}


def test_a_creation_that_takes_too_long_is_rolled_back(provisioner: Provisioner, service: RecordingService) -> None:
    service.hooks["create a"] = lambda context: context.stop.wait(10)
    stack_input = request(A=thing("a"))
    stack_input.timeout_minutes = 0.001

    stack = new_stack(provisioner, stack_input)

    reasons = [event.reason for event in stack.events if event.status == "ROLLBACK_IN_PROGRESS"]
    assert reasons == ["Stack creation time exceeded the specified timeout. Rollback requested by user."]
