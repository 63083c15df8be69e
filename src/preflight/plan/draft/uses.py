"""Where a template uses a parameter or the value of an export: properties that it is the value of, and comparisons. Pure.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-conditions.html
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from preflight.aws import unresolved
from preflight.plan import resolved_stacks
from preflight.plan.resolved_stacks import NESTED, ResolvedTemplate
from preflight.templates import intrinsic_functions, references

IMPORT, EQUALS = "Fn::ImportValue", "Fn::Equals"
MOST_DEPTH = 60
MOST_TEXT = 2_048  # characters in front of a part; no ARN or name is longer
_LABELS = ("Name", "Key", "Namespace")  # what tells the items of a list apart, where each has a Value
_WHOLE = re.compile(r"\$\{([^!}][^}]*)\}")


@dataclass(frozen=True)
class Use:
    """A property that a value is given to: the path has no indexes.

    `label` is the name of the item of a list whose Value it is; `before` the text in front of it, if it is only a part of
    the property's; `index` the item that is taken if it is a list. `compared` is the text that a condition compares it with.
    """

    kind: str
    path: tuple[str, ...] = ()
    label: str = ""
    before: str | None = None
    is_list: bool = False
    is_item: bool = False
    index: int = 0
    compared: str | None = None

    @property
    def key(self) -> str:
        """Type and path as one text."""
        return f"{self.kind} {'.'.join(self.path)}"


@dataclass(frozen=True)
class UsedValue:
    """What is used: a parameter by its name, or an export by the name as far as it is known."""

    function: str
    name: Any


def of_parameters(document: ResolvedTemplate) -> dict[str, list[Use]]:
    """Returns the uses of the parameters of a template, each once, those in the stacks that it nests too."""
    declared = document.source.data.get("Parameters")
    uses: dict[str, dict[Use, None]] = {name: {} for name in declared} if isinstance(declared, dict) else {}
    for source, use in (*_in_resources(document, document.expanded["Resources"]), *_in_conditions(document.expanded["Conditions"])):
        if source.function == "Ref" and source.name in uses:
            uses[source.name][use] = None
    return {name: list(distinct) for name, distinct in uses.items()}


def of_imports(document: ResolvedTemplate) -> dict[str, list[Use]]:
    """Returns the uses of the exports that a document imports by a name that is known; without any if it is in an output."""
    uses: dict[str, list[Use]] = {name: [] for name in resolved_stacks.imports(document)}
    for output in document.data["Outputs"].values():
        uses |= {name: [] for name in resolved_stacks.values_of(output, IMPORT) if isinstance(name, str) and name not in uses}
    for source, use in _in_resources(document, document.resources):
        if source.function == IMPORT and isinstance(source.name, str) and source.name in uses:
            uses[source.name].append(use)
    return uses


def _in_conditions(conditions: Mapping[str, Any]) -> Iterator[tuple[UsedValue, Use]]:
    """Yields what conditions compare as a whole with a text, on either side of Fn::Equals."""
    for sides in resolved_stacks.values_of(conditions, EQUALS):
        for value, other in itertools.permutations(sides) if isinstance(sides, list) and len(sides) == 2 else ():
            if not isinstance(other, dict | list):
                compared = _in(value, Use(EQUALS, compared=intrinsic_functions.as_text(other)), 0)
                yield from (pair for pair in compared if pair[1].before is None)


def _in_resources(document: ResolvedTemplate, resources: Mapping[str, Any]) -> Iterator[tuple[UsedValue, Use]]:
    nested: dict[str, dict[str, list[Use]]] = {}
    for logical, resource in resources.items():
        if not isinstance(resource, dict):
            continue
        for source, use in _in(resolved_stacks.properties(resource), Use(str(resource.get("Type"))), 0):
            child = document.children.get(logical)
            if use.kind in NESTED and use.path[:1] == ("Parameters",) and child is not None:
                if logical not in nested:
                    nested[logical] = of_parameters(child)
                yield from ((source, passed) for passed in nested[logical].get(use.path[-1], ()))
            else:
                yield source, use


def _in(value: Any, use: Use, depth: int) -> Iterator[tuple[UsedValue, Use]]:
    """Yields what a value of a property is, and what its parts are."""
    if depth > MOST_DEPTH:
        return
    function = unresolved.function_of(value)
    if function is not None:
        yield from _in_function(function, value[function], use, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _in(item, replace(use, is_item=True), depth + 1)
    elif isinstance(value, dict):
        label = next((str(value[name]) for name in _LABELS if isinstance(value.get(name), str)), "")
        for key, item in value.items():
            yield from _in(item, Use(use.kind, (*use.path, str(key)), label), depth + 1)


def _in_function(function: str, argument: Any, use: Use, depth: int) -> Iterator[tuple[UsedValue, Use]]:
    if function == "Ref":
        yield UsedValue(function, str(argument)), use
    elif function == IMPORT:
        yield UsedValue(function, argument), use
        yield from ((UsedValue("Ref", reference.name), Use(IMPORT)) for reference in references.references_in(argument))
    elif function == "Fn::Sub":
        yield from _in_sub(argument, use, depth)
    elif not isinstance(argument, list):
        return
    elif function == "Fn::If":
        for branch in argument[1:]:
            yield from _in(branch, use, depth)
    elif len(argument) == 2:
        yield from _in_list_function(function, argument, use, depth)


def _in_list_function(function: str, argument: list[Any], use: Use, depth: int) -> Iterator[tuple[UsedValue, Use]]:
    first, second = argument
    if function == "Fn::Select" and str(first).isdigit():
        yield from _in(second, replace(use, is_list=unresolved.function_of(second) is not None, index=int(str(first)[:4])), depth)
    elif function == "Fn::Split" and first == ",":
        yield from _in(second, replace(use, is_list=True), depth)
    elif function == "Fn::Join" and isinstance(first, str):
        if not isinstance(second, list):
            yield from _in(second, replace(use, is_list=first == ","), depth)
        elif first == "," or len(second) == 1:
            yield from _in(second, use, depth)
        else:
            yield from _in_parts(first, second, use, depth)


def _in_parts(delimiter: str, items: list[Any], use: Use, depth: int) -> Iterator[tuple[UsedValue, Use]]:
    """Yields what the items of a text are that Fn::Join puts together."""
    before = ""
    for item in items:
        yield from _in(item, replace(use, before=before), depth)
        before = f"{before}{item if isinstance(item, str) else '${}'}{delimiter}"[:MOST_TEXT]


def _in_sub(argument: Any, use: Use, depth: int) -> Iterator[tuple[UsedValue, Use]]:
    """Yields what the names of a text are, each once, with the text in front of its first place."""
    text, mapped, *_ = [*argument, {}, {}] if isinstance(argument, list) else [argument, {}]
    if not isinstance(text, str) or not isinstance(mapped, dict):
        return
    starts: dict[str, int] = {}  # each name once: following every place of a name doubles the work at each level
    for match in _WHOLE.finditer(text):
        starts.setdefault(match[1].strip(), match.start())
    is_whole = _WHOLE.fullmatch(text) is not None
    for name, start in starts.items():
        part = use if is_whole else replace(use, before=text[: min(start, MOST_TEXT)])
        yield from _in(mapped[name] if name in mapped else references.reference_of(name), part, depth)
