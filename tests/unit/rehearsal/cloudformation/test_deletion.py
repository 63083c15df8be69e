"""Deleting a stack: users first, as the deletion policies say, and what a failure keeps."""

from __future__ import annotations

import threading

import pytest

from preflight.rehearsal.cloudformation import deletion
from preflight.rehearsal.cloudformation.provisioner import Provisioner
from tests.unit.rehearsal.cloudformation.conftest import RecordingService, new_stack, request, statuses, thing


@pytest.mark.parametrize(
    ("needs", "names", "ordered"),
    [
        pytest.param({"A": {"B"}, "B": {"C"}}, ["C", "B", "A"], ["A", "B", "C"], id="a chain"),
        pytest.param({"A": {"B"}, "B": {"C"}}, ["C", "A"], ["A", "C"], id="without the resource between"),
        pytest.param({}, ["B", "A"], ["A", "B"], id="independent resources by name"),
        pytest.param({"B": {"A"}, "C": {"A"}}, ["A", "B", "C"], ["B", "C", "A"], id="two users of one"),
        pytest.param({"A": {"B"}, "B": {"A"}}, ["B", "A"], ["A", "B"], id="a cycle by name"),
    ],
)
def test_users_are_deleted_before_what_they_need(
    needs: dict[str, set[str]], names: list[str], ordered: list[str]
) -> None:
    assert deletion.deletion_order(needs, names) == ordered


def test_a_stack_is_deleted_in_reverse_order(provisioner: Provisioner, service: RecordingService) -> None:
    stack = new_stack(provisioner, request(A=thing("a"), B=thing("b", "A"), C=thing("c", "B")))
    service.calls.clear()

    provisioner.deleter.delete(stack)

    assert service.calls == ["delete c", "delete b", "delete a"]
    assert stack.status == "DELETE_COMPLETE"
    assert stack.deleted is not None


@pytest.mark.parametrize("policy", ["Retain", "RetainExceptOnCreate"])
def test_a_deletion_policy_retains_a_resource(provisioner: Provisioner, service: RecordingService, policy: str) -> None:
    stack = new_stack(provisioner, request(A=thing("a", DeletionPolicy=policy), B=thing("b")))
    service.calls.clear()

    provisioner.deleter.delete(stack)

    assert service.calls == ["delete b"]
    assert stack.resources["A"].status == "DELETE_SKIPPED"
    assert stack.status == "DELETE_COMPLETE"


def test_a_resource_that_fails_to_delete_keeps_what_it_needs(
    provisioner: Provisioner, service: RecordingService
) -> None:
    chain = request(A=thing("a"), B=thing("b", "A"), C=thing("c", "D"), D=thing("d", "E"), E=thing("e"))
    stack = new_stack(provisioner, chain)
    service.calls.clear()
    service.failing.add("delete b")

    provisioner.deleter.delete(stack)

    assert sorted(service.calls) == ["delete b", "delete c", "delete d", "delete e"]
    assert stack.resources["B"].status == "DELETE_FAILED"
    assert stack.resources["A"].status == "CREATE_COMPLETE"
    assert stack.status == "DELETE_FAILED"
    assert stack.reason == "The following resource(s) failed to delete: [B]. "


def test_a_deletion_cancels_the_operation_under_way_and_waits_for_it(
    provisioner: Provisioner, service: RecordingService
) -> None:
    stack = new_stack(provisioner, request(A=thing("a")))
    service.calls.clear()
    deletion_thread = threading.Thread(target=provisioner.deleter.delete, args=(stack,), daemon=True)

    with stack.work:
        deletion_thread.start()
        assert stack.cancel.wait(10)
        assert service.calls == []
    deletion_thread.join(10)

    assert service.calls == ["delete a"]


def test_a_second_delete_retains_what_it_is_asked_to_and_deletes_the_rest(
    provisioner: Provisioner, service: RecordingService
) -> None:
    stack = new_stack(provisioner, request(A=thing("a"), B=thing("b", "A"), C=thing("c")))
    service.failing.add("delete b")
    provisioner.deleter.delete(stack)
    service.calls.clear()

    provisioner.deleter.delete(stack, retain=frozenset({"B"}))

    assert service.calls == ["delete a"]
    assert statuses(stack, "B")[-1] == "DELETE_SKIPPED"
    assert stack.status == "DELETE_COMPLETE"
