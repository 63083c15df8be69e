"""Stand-ins for resources whose type is not modelled, and their attributes."""

from __future__ import annotations

from typing import Any

from preflight.aws.unresolved import STANDIN
from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler
from preflight.templates import schemas


class StandInAttributes(dict[str, Any]):
    """Attributes of a resource that is not modelled: all that its schema has, each with a value.

    A custom resource has any attribute.
    """

    def __init__(self, context: HandlerContext) -> None:
        self._context = context
        super().__init__({name: self.value(name) for name in schemas.read_only(context.resource_type)})

    def __contains__(self, name: object) -> bool:
        """Whether there is such an attribute."""
        return schemas.is_custom(self._context.resource_type) or super().__contains__(name)

    def __missing__(self, name: str) -> str:
        """Returns the attribute of a custom resource."""
        return self.value(name)

    def value(self, name: str) -> str:
        """Returns a value for the attribute `name`: an ARN if the name says so."""
        value = f"{STANDIN}-{self._context.logical_id}"
        if not name.endswith("Arn"):
            return value
        resource_type = self._context.resource_type
        return self._context.arn(resource_type.split("::")[1].lower() if "::" in resource_type else "aws", value)


def _create(context: HandlerContext, properties: Properties) -> CreatedResource:
    resource_type = context.resource_type
    state = "stubbed" if schemas.is_custom(resource_type) else "ignored"
    context.record(None, state, f"{resource_type} is not modelled: a stand-in was created")
    for name in properties:
        context.record(name, state)
    attributes = StandInAttributes(context)
    identifier = schemas.identifier(resource_type)
    physical_id = properties.get(identifier)
    return CreatedResource(
        physical_id if isinstance(physical_id, str) else attributes.value(identifier or "Id"), attributes
    )


STAND_IN = Handler(
    create=_create,
    delete=lambda _context, _id, _properties: None,
    update=lambda _context, physical_id, _old, _new: CreatedResource(physical_id),
)
