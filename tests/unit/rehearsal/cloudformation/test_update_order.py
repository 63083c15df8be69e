"""Updating a stack: what is replaced, retained and rolled back, and in which order."""

from __future__ import annotations

import pytest

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


def test_a_rollback_undoes_what_changed_and_then_deletes_what_is_new_users_first(
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
        "update a to 1",
        "delete c",
        "delete b2",
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


def test_what_is_removed_is_deleted_after_what_used_it_before(provisioner: Provisioner, service: RecordingService) -> None:
    fixed = "Test::Service::Fixed"
    stack = new_stack(provisioner, request(A=thing("a"), S=thing("s", "A", kind=fixed)))
    service.calls.clear()

    update(provisioner, stack, request(B=thing("b"), S=thing("s2", "B", kind=fixed)))

    assert service.calls == ["create b", "create s2", "delete s", "delete a"]


def test_a_half_made_replacement_is_deleted_by_the_rollback(provisioner: Provisioner, service: RecordingService) -> None:
    stack = new_stack(provisioner, request(A=thing("a", kind="Test::Service::Fixed")))
    service.hooks["create b"] = lambda context: context.identify("b")
    service.failing.add("create b")

    update(provisioner, stack, request(A=thing("b", kind="Test::Service::Fixed")))

    assert service.calls == ["create a", "create b", "delete b"]
    assert stack.resources["A"].physical_id == "a"
    assert stack.resources["A"].status == "UPDATE_COMPLETE"


def test_a_replacement_that_was_never_created_leaves_nothing_to_delete(provisioner: Provisioner, service: RecordingService) -> None:
    stack = new_stack(provisioner, request(A=thing("a", kind="Test::Service::Fixed")))
    service.failing.add("create b")

    update(provisioner, stack, request(A=thing("b", kind="Test::Service::Fixed")))

    assert service.calls == ["create a", "create b"]


def test_two_failed_updates_are_rolled_back_to_what_was_before_both(provisioner: Provisioner, service: RecordingService) -> None:
    former = request(A=thing("a"), B=thing("b", kind="Test::Service::Fixed"))
    stack = new_stack(provisioner, former)
    service.failing |= {"create c", "create d"}
    fixed = "Test::Service::Fixed"
    first = update(provisioner, stack, request("DO_NOTHING", A=thing("a", size=2), B=thing("b2", "A", kind=fixed), C=thing("c", "B")))
    again = request("DO_NOTHING", A=thing("a", size=3), B=thing("b3", "A", kind=fixed), D=thing("d", "B"))
    second = Updater(provisioner, stack, again, failed=first)
    second.run()
    service.calls.clear()

    second.roll_back(skip=frozenset())

    assert service.calls == ["update a to 1", "delete b3", "delete b2"]
    assert stack.request is former
    assert {name: resource.physical_id for name, resource in stack.resources.items()} == {"A": "a", "B": "b"}


def test_an_update_after_a_failed_one_deletes_what_both_replaced(provisioner: Provisioner, service: RecordingService) -> None:
    fixed = "Test::Service::Fixed"
    stack = new_stack(provisioner, request(B=thing("b", kind=fixed)))
    service.failing.add("create c")
    first = update(provisioner, stack, request("DO_NOTHING", B=thing("b2", kind=fixed), C=thing("c", "B")))
    service.calls.clear()

    Updater(provisioner, stack, request(B=thing("b3", kind=fixed)), failed=first).run()

    assert service.calls == ["create b3", "delete b2", "delete b"]
    assert stack.status == "UPDATE_COMPLETE"


def test_what_is_left_of_a_failed_creation_is_deleted_before_it_is_tried_again(provisioner: Provisioner, service: RecordingService) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html."""
    stack = new_stack(provisioner, request(A=thing("a")))
    service.hooks["create b"] = lambda context: context.identify("b")
    service.failing.add("create b")
    first = update(provisioner, stack, request("DO_NOTHING", A=thing("a"), B=thing("b")))
    service.failing.clear()
    service.calls.clear()

    Updater(provisioner, stack, request(A=thing("a"), B=thing("b")), failed=first).run()

    assert service.calls == ["delete b", "create b"]
    assert stack.status == "UPDATE_COMPLETE"


@pytest.mark.parametrize(
    ("is_set", "left"), [pytest.param(False, set(), id="not set"), pytest.param(True, {"delete b"}, id="set")]
)
def test_retain_except_on_create_of_an_update_deletes_what_it_created(
    provisioner: Provisioner, service: RecordingService, left: set[str], *, is_set: bool
) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateStack.html."""
    stack = new_stack(provisioner, request(A=thing("a")))
    service.failing.add("create c")
    after = request(A=thing("a"), B=thing("b", DeletionPolicy="Retain"), C=thing("c", "B"))
    after.retains_except_on_create = is_set
    service.calls.clear()

    update(provisioner, stack, after)

    assert {call for call in service.calls if call.startswith("delete")} == left
