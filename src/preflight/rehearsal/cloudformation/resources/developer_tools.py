"""Builds of CodeBuild and pipelines of CodePipeline: kept as declared, never run."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler


def _kept(service: str, operation: str, arn: str) -> Handler:
    """Returns the handler of a type that has a name and an ARN; the caller needs the permission to create it."""

    def create(context: HandlerContext, properties: Properties) -> CreatedResource:
        context.check_permission(service, operation)
        name = str(properties.get("Name") or context.generate_name(max_length=100))
        return keep(context, name, properties)

    def keep(context: HandlerContext, name: str, properties: Properties) -> CreatedResource:
        for key in properties:
            context.record(key, "stored", "it is kept, and never run")
        attributes = {"Arn": context.arn(service, arn.format(name=name)), "Id": name, "Version": "1"}
        return CreatedResource(name, attributes)

    return Handler(
        create,
        delete=lambda _context, _id, _properties: None,
        update=lambda context, name, _old, new: keep(context, name, new),
    )


TYPES: Mapping[str, Handler] = {
    "AWS::CodeBuild::Project": _kept("codebuild", "CreateProject", "project/{name}"),
    "AWS::CodePipeline::Pipeline": _kept("codepipeline", "CreatePipeline", "{name}"),
}
