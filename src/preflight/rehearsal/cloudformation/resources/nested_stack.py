"""AWS CloudFormation: nested stacks."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol

from preflight.rehearsal.cloudformation import stack as stacks
from preflight.rehearsal.cloudformation import template_source
from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Request
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler
from preflight.rehearsal.cloudformation.stack import Stack
from preflight.rehearsal.protocol import Refusal
from preflight.templates import intrinsic_functions

TIMEOUT = 3600.0


class NestedStackApi(Protocol):
    """What nested stacks need of the API."""

    def begin(self, region: str, request: Request, *, parent: str) -> Stack:
        """Begins to create a stack."""

    def begin_update(self, stack: Stack, request: Request) -> bool:
        """Begins to update a stack, and returns whether anything changes."""

    def begin_delete(self, stack: Stack) -> None:
        """Begins to delete a stack."""

    def find(self, region: str, name: str) -> Stack | None:
        """Returns a stack by name or ARN."""


def types(engine: NestedStackApi) -> Mapping[str, Handler]:
    """Returns the handler of nested stacks, on the engine that runs them."""
    nested = Nested(engine)
    return {stacks.STACK: Handler(nested.create, nested.delete, nested.update)}


class Nested:
    """Creates, updates and deletes stacks in stacks."""

    def __init__(self, engine: NestedStackApi) -> None:
        self._engine = engine

    def create(self, context: HandlerContext, properties: Properties) -> CreatedResource:
        """Creates the child and waits for it."""
        request = {"StackName": context.generate_name(max_length=128), **self._request(context, properties)}
        context.check_permission("cloudformation", "CreateStack", **request)
        try:
            child = self._engine.begin(context.region, request, parent=context.stack_id)
        except Refusal as refusal:
            raise ResourceFailedError(refusal.message, is_whole=True) from None
        context.identify(child.id)
        self._wait(context, child, timeout=float(properties.get("TimeoutInMinutes") or 60) * 60)
        for name in properties:
            context.record(name, "stored")
        if child.status != "CREATE_COMPLETE":
            first = next(
                (
                    e
                    for e in child.events
                    if e.status in {"ROLLBACK_IN_PROGRESS", "CREATE_FAILED"} and e.physical_id == child.id
                ),
                None,
            )
            why = (first.reason if first else child.reason).removesuffix(" Rollback requested by user.")
            msg = f"Embedded stack {child.id} was not successfully created: {why} "
            raise ResourceFailedError(msg, is_whole=True)
        return _created(child)

    @staticmethod
    def _wait(context: HandlerContext, child: Stack, *, timeout: float) -> None:
        """Waits for the child, and stops it if the parent is stopped."""
        ended = time.monotonic() + timeout
        while not child.wait(lambda: child.is_finished, timeout=0.1):
            if context.is_stopped or time.monotonic() > ended:
                child.cancel.set()
                raise ResourceFailedError("Resource creation cancelled", is_whole=True)

    @staticmethod
    def _request(context: HandlerContext, properties: Properties) -> Request:
        url = str(properties["TemplateURL"])
        if not url.startswith("https://") and not template_source.is_below(context.account.address, url):
            msg = "The location for an Amazon S3 bucket must start with https://"
            raise ResourceFailedError(msg, is_whole=True)
        parameters = [
            {"ParameterKey": key, "ParameterValue": text(value)}
            for key, value in (properties.get("Parameters") or {}).items()
        ]
        tags = context.user_tags(properties.get("Tags"))
        return {
            "TemplateURL": url,
            "Parameters": parameters,
            "Tags": tags,
            "Capabilities": list(context.capabilities),
            "NotificationARNs": list(properties.get("NotificationARNs") or []),
        }

    def update(self, context: HandlerContext, stack_id: str, _old: Properties, new: Properties) -> CreatedResource:
        """Updates the child and waits for it; does nothing if the child has no changes."""
        child = self._engine.find(context.region, stack_id)
        if child is None:
            msg = f"Stack [{stack_id}] does not exist"
            raise ResourceFailedError(msg, "NotFound")
        request = self._request(context, new)
        context.check_permission("cloudformation", "UpdateStack", StackName=stack_id, **request)
        try:
            is_changing = self._engine.begin_update(child, request)
        except Refusal as refusal:
            raise ResourceFailedError(refusal.message, is_whole=True) from None
        if is_changing:
            self._wait(context, child, timeout=TIMEOUT)
            if child.status != "UPDATE_COMPLETE":
                first = next((e for e in reversed(child.events) if e.status == "UPDATE_ROLLBACK_IN_PROGRESS"), None)
                why = first.reason if first else child.reason
                msg = (
                    f"Embedded stack {child.id} was not successfully updated. Currently in {child.status} "
                    f"with reason: {why} "
                )
                raise ResourceFailedError(msg, is_whole=True)
        return _created(child)

    def delete(self, context: HandlerContext, stack_id: str, _properties: Properties) -> None:
        """Deletes the child and waits for it."""
        child = self._engine.find(context.region, stack_id)
        if child is None or child.status == "DELETE_COMPLETE":
            return
        context.check_permission("cloudformation", "DeleteStack", StackName=stack_id)
        self._engine.begin_delete(child)
        ended = ("DELETE_COMPLETE", "DELETE_FAILED")
        while not child.wait(lambda: child.status in ended, timeout=0.5):
            if context.account.closing.is_set():
                return
        if child.status != "DELETE_COMPLETE":
            msg = f"Embedded stack {child.id} was not successfully deleted: {child.reason}"
            raise ResourceFailedError(msg, is_whole=True)


def text(value: Any) -> str:
    """Returns the value of a nested stack's parameter as text."""
    return ",".join(map(str, value)) if isinstance(value, list) else intrinsic_functions.as_text(value)


def _created(child: Stack) -> CreatedResource:
    return CreatedResource(child.id, {f"Outputs.{name}": output.value for name, output in child.outputs.items()})
