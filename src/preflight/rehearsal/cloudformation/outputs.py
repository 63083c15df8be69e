"""Evaluates the outputs of a stack, and guards the exports that other stacks import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.rehearsal.cloudformation.stack import Stack, StackOutput, Stacks
from preflight.templates import intrinsic_functions
from preflight.templates.intrinsic_functions import FunctionResolver, ResolveError


def evaluate(stack: Stack, stacks: Stacks, resolver: FunctionResolver) -> str | None:
    """Evaluates the outputs of a stack and sets them. Returns None, or the message about what is wrong."""
    outputs: dict[str, StackOutput] = {}
    for name, definition in (stack.request.template.get("Outputs") or {}).items():
        try:
            output = _evaluate_output(name, definition, resolver)
        except ResolveError as error:
            return error.message
        if output is None:
            continue
        exporter = stacks.exports(stack.region).get(output.export) if output.export else None
        if exporter is not None and exporter[0] is not stack:
            return f"Export with name {output.export} is already exported by stack {exporter[0].name}."
        outputs[name] = output
    message = _export_in_use(stack, stacks, outputs)
    if message is None:
        stack.outputs = outputs
    return message


def _evaluate_output(name: str, definition: Mapping[str, Any], resolver: FunctionResolver) -> StackOutput | None:
    """Returns an output, or None if its condition does not hold."""
    try:
        if not resolver.holds(definition):
            return None
        value = resolver.value(definition["Value"], ("Outputs", name, "Value"))
        export = resolver.value((definition.get("Export") or {}).get("Name"))
    except ResolveError as error:
        raise ResolveError(f"[Error] /Outputs/{name}/Value: {error.message}.") from None
    if isinstance(value, list | dict) or value is intrinsic_functions.NO_VALUE:
        raise ResolveError(
            f"Template format error: The Value field of every Outputs member must evaluate to a String. ({name})"
        )
    if export is not None and not isinstance(export, str):
        raise ResolveError(f"Template format error: The Name of the Export of {name} must evaluate to a String.")
    return StackOutput(intrinsic_functions.as_text(value), definition.get("Description"), export)


def _export_in_use(stack: Stack, stacks: Stacks, outputs: Mapping[str, StackOutput]) -> str | None:
    """Returns the message about an imported export that would go or change, or None."""
    values = {output.export: output.value for output in outputs.values() if output.export}
    for output in stack.outputs.values():
        importers = stacks.importer_names(stack.region, output.export)
        value = values.get(output.export or "")
        if importers and value != output.value:
            verb = "deleted" if value is None else "updated"
            return f"Export {output.export} cannot be {verb} as it is in use by {importers}"
    return None
