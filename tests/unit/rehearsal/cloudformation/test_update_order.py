"""Updating a stack: what is replaced, retained and rolled back, and in which order."""

from __future__ import annotations

from preflight.rehearsal.cloudformation.provisioner import Provisioner
from preflight.rehearsal.cloudformation.stack import Stack, StackInput
from preflight.rehearsal.cloudformation.update import Updater
from tests.unit.rehearsal.cloudformation.conftest import RecordingService, new_stack, request, statuses, thing


def update(provisioner: Provisioner, stack: Stack, stack_input: StackInput) -> Updater:
    updater = Updater(provisioner, stack, stack_input)
    updater.run()
    return updater


def test_only_what_differs_is_updated(provisioner: Provisioner, service: RecordingService) -> None:
    stack = new_stack(provisioner, request(A=thing("a"), B=thing("b")))
    service.calls.clear()

    update(provisioner, stack, request(A=thing("a", size=2), B=thing("b")))

    assert service.calls == ["update a to 2"]
    assert stack.status == "UPDATE_COMPLETE"


def test_replaced_and_removed_resources_are_deleted_users_first(
    provisioner: Provisioner, service: RecordingService
) -> None:
    stack = new_stack(
        provisioner, request(A=thing("a", kind="Test::Service::Fixed"), B=thing("b", "A"), C=thing("c", "B"))
    )
    service.calls.clear()

    update(provisioner, stack, request(A=thing("a2", kind="Test::Service::Fixed")))

    assert service.calls == ["create a2", "delete c", "delete b", "delete a"]
    assert set(stack.resources) == {"A"}
    assert stack.resources["A"].physical_id == "a2"


def test_a_replaced_resource_is_retained_by_its_update_replace_policy(
    provisioner: Provisioner, service: RecordingService
) -> None:
    fixed = thing("a", kind="Test::Service::Fixed", UpdateReplacePolicy="Retain")
    stack = new_stack(provisioner, request(A=fixed))
    service.calls.clear()

    update(provisioner, stack, request(A={**fixed, "Properties": {"Name": "a2"}}))

    assert service.calls == ["create a2"]
    assert statuses(stack, "A")[-1] == "DELETE_SKIPPED"


def test_an_update_replace_policy_counts_from_the_update_on_that_sets_it(
    provisioner: Provisioner, service: RecordingService
) -> None:
    fixed = thing("a", kind="Test::Service::Fixed")
    stack = new_stack(provisioner, request(A=fixed))
    service.calls.clear()

    update(provisioner, stack, request(A={**fixed, "UpdateReplacePolicy": "Retain", "Properties": {"Name": "a2"}}))

    assert service.calls == ["create a2"]


def test_a_removed_resource_is_retained_by_its_deletion_policy(
    provisioner: Provisioner, service: RecordingService
) -> None:
    stack = new_stack(provisioner, request(A=thing("a"), B=thing("b", DeletionPolicy="Retain")))
    service.calls.clear()

    update(provisioner, stack, request(A=thing("a")))

    assert service.calls == []
    assert statuses(stack, "B")[-1] == "DELETE_SKIPPED"
    assert set(stack.resources) == {"A"}


def test_a_rollback_undoes_the_last_step_first_and_deletes_what_is_new(
    provisioner: Provisioner, service: RecordingService
) -> None:
    stack = new_stack(provisioner, request(A=thing("a"), B=thing("b", "A", kind="Test::Service::Fixed")))
    service.calls.clear()
    service.failing.add("create d")

    update(
        provisioner,
        stack,
        request(
            A=thing("a", size=2),
            B=thing("b2", "A", kind="Test::Service::Fixed"),
            C=thing("c", "B"),
            D=thing("d", "C"),
        ),
    )

    assert service.calls == [
        "update a to 2",
        "create b2",
        "create c",
        "create d",
        "delete b2",
        "update a to 1",
        "delete c",
    ]
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert {name: resource.physical_id for name, resource in stack.resources.items()} == {"A": "a", "B": "b"}


def test_a_rollback_that_fails_continues_without_the_resources_to_skip(
    provisioner: Provisioner, service: RecordingService
) -> None:
    stack = new_stack(provisioner, request(A=thing("a")))
    service.failing |= {"create b", "update a to 1"}
    updater = update(provisioner, stack, request(A=thing("a", size=2), B=thing("b", "A")))
    assert stack.status == "UPDATE_ROLLBACK_FAILED"
    assert stack.reason == "The following resource(s) failed to update: [A]. "

    updater.roll_back(skip=frozenset({"A"}))

    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert set(stack.resources) == {"A"}


def test_an_update_without_rollback_keeps_what_it_changed(provisioner: Provisioner, service: RecordingService) -> None:
    stack = new_stack(provisioner, request(A=thing("a")))
    service.failing.add("create b")

    update(provisioner, stack, request("DO_NOTHING", A=thing("a", size=2), B=thing("b", "A")))

    assert stack.status == "UPDATE_FAILED"
    assert stack.resources["A"].properties["Size"] == 2
    assert stack.resources["B"].status == "CREATE_FAILED"


def test_a_cancelled_update_starts_nothing_more_and_rolls_back(
    provisioner: Provisioner, service: RecordingService
) -> None:
    stack = new_stack(provisioner, request("DO_NOTHING", A=thing("a")))
    service.calls.clear()
    service.hooks["update a to 2"] = lambda _context: stack.update_cancel.set()

    update(provisioner, stack, request("DO_NOTHING", A=thing("a", size=2), B=thing("b", "A")))

    assert service.calls == ["update a to 2", "update a to 1"]
    assert [event.reason for event in stack.events if event.status == "UPDATE_ROLLBACK_IN_PROGRESS"] == [
        "Update cancelled by user."
    ]


def test_a_rolled_back_stack_has_its_former_request_and_outputs(
    provisioner: Provisioner, service: RecordingService
) -> None:
    former = request(outputs={"O": {"Value": "before"}}, A=thing("a"))
    stack = new_stack(provisioner, former)
    service.failing.add("create b")

    update(provisioner, stack, request(outputs={"O": {"Value": "after"}}, A=thing("a"), B=thing("b")))

    assert stack.request is former
    assert stack.outputs["O"].value == "before"
