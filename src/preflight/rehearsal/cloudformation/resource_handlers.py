"""The handler of each resource type, and the context that it works in."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from preflight.aws.refusals import catalog
from preflight.rehearsal.account import Account
from preflight.rehearsal.cloudformation.resources import failure
from preflight.rehearsal.cloudformation.resources.context import HandlerContext
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.resources.handler import Handler
from preflight.rehearsal.cloudformation.resources.stand_in import STAND_IN
from preflight.rehearsal.cloudformation.stack import Resource, Stack
from preflight.rehearsal.ledger import Ledger
from preflight.templates import schemas


class ResourceHandlers:
    """The handlers of one account, by resource type."""

    def __init__(self, account: Account, handlers_by_type: Mapping[str, Handler], ledger: Ledger) -> None:
        self.account = account
        self.ledger = ledger
        self._handlers = handlers_by_type

    def handler(self, resource: Resource) -> Handler:
        """Returns the handler of a resource's type, or that of a stand-in if the type is not modelled."""
        return self._handlers.get(resource.resource_type) or STAND_IN

    def check(self, resource: Resource) -> None:
        """Checks that the service takes the properties of a resource, also of a type that is not modelled.

        Raises:
            ResourceFailedError: it refuses them, in AWS's words.
        """
        refused = next(catalog.of_resource(resource.resource_type, resource.properties), None)
        if refused is not None:
            service = resource.resource_type.split("::")[1]
            raise failure.from_refusal(service, refused.constraint.code, refused.message)

    def context(self, stack: Stack, resource: Resource, *, stop: threading.Event | None = None) -> HandlerContext:
        """Returns the context in which a handler works on a resource."""
        return HandlerContext(
            self.account,
            stack.region,
            stack.name,
            stack.id,
            resource.logical_id,
            resource.resource_type,
            self.ledger,
            tags={
                **stack.request.tags,
                "aws:cloudformation:stack-name": stack.name,
                "aws:cloudformation:stack-id": stack.id,
                "aws:cloudformation:logical-id": resource.logical_id,
            },
            capabilities=tuple(stack.request.capabilities),
            stop=stop or threading.Event(),
            identify=lambda physical_id: stack.identify(resource, physical_id),
        )

    def exists(self, stack: Stack, resource_type: str, name: str, properties: Mapping[str, Any]) -> bool:
        """Whether the service has a resource of that name."""
        resource = Resource(name, resource_type, {})
        read = self.handler(resource).read
        if read is None:
            return False
        try:
            return bool(read(self.context(stack, resource), name, schemas.coerce(resource_type, properties)))
        except (ResourceFailedError, LookupError):
            return False
