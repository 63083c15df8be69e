"""The names that a plan uses of its templates: outputs, parameters, exports, services, clusters and schedules.

A name that no template declares is a mistake of the plan, found before anything is deployed. Where a template leaves
open what there is (a macro, a nested template that is not known, a name that only the deployment decides), nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from preflight.aws import unresolved
from preflight.plan import placeholders, resolved_stacks
from preflight.plan.cross_stack_references import ReferenceTracer
from preflight.plan.plan import Plan, SmokeEntry, StackStep
from preflight.plan.resolved_stacks import NESTED, ResolvedStacks, ResolvedTemplate
from preflight.system import spelling
from preflight.templates.template import Key, Template

_NAMES = {  # of what a smoke entry names: the types that have such a name, each with the property that holds it
    "service": {"AWS::ECS::Service": "ServiceName"},
    "cluster": {"AWS::ECS::Cluster": "ClusterName"},
    "schedule": {"AWS::Events::Rule": "Name", "AWS::Scheduler::Schedule": "Name"},
}
_EXTENSIONS = "AWS::LanguageExtensions"  # the one transform that adds nothing of its own
Mistake = tuple[str, tuple[Key, ...], str]  # what is wrong, where in the plan, and what to do


def mistakes(plan: Plan, templates: Mapping[Path, Template], *, run: str) -> list[Mistake]:
    """Returns the names of a plan that none of its templates declares."""
    if not {step.template for step in plan.stacks} <= set(templates):
        return []
    every = resolved_stacks.of_plan(plan, templates, run=run)
    return list(PlanNames(plan, every, placeholders.of(plan, run=run)).mistakes())


class PlanNames:
    """The names of one plan, and what its templates declare."""

    def __init__(self, plan: Plan, every: ResolvedStacks, values: Mapping[str, str]) -> None:
        self._plan = plan
        self._every = every
        self._values = values
        self._roots = {document.stack: document for document in every.deployed if document.parent is None}

    def mistakes(self) -> Iterator[Mistake]:
        """Yields each name that is not declared, and where in the plan it stands."""
        for n, step in enumerate(self._plan.steps):
            if isinstance(step, StackStep):
                yield from self._of_step(n, step)
        is_complete = all(map(_is_complete, self._every.deployed))
        for n, entry in enumerate(self._plan.smoke):
            yield from self._of_url(entry, ("smoke", n, "url"))
            if is_complete:
                yield from self._of_entry(entry, n)

    def _of_step(self, n: int, step: StackStep) -> Iterator[Mistake]:
        where = ("steps", n, "parameters")
        earlier = [other for other in self._plan.steps[:n] if isinstance(other, StackStep)]
        for parameter, value in step.parameters.items():
            for output in placeholders.outputs_in(value):
                yield from self._undeclared_output(output, earlier, (*where, parameter))
        yield from self._of_imports(step, where)

    def _of_imports(self, step: StackStep, where: tuple[Key, ...]) -> Iterator[Mistake]:
        """Yields the names that a stack imports by a parameter and that are nearly those of an export."""
        exports = sorted(self._every.exports)
        documents = [document for document in self._every.deployed if document.root is self._root(step)]
        for document, imported in ((d, name) for d in documents for name in resolved_stacks.imports(d)):
            near = spelling.nearest(imported, exports, cutoff=spelling.NEAR)
            parameters = [name for name, value in step.parameters.items() if value and placeholders.fill(value, self._values) in imported]
            if imported not in exports and near != "." and parameters:
                what = f"{parameters[0]}: no stack of the plan exports {imported!r}, which {document.path.name} imports{near}"
                yield what, (*where, parameters[0]), "Name the stack as its step does."

    def _of_url(self, entry: SmokeEntry, where: tuple[Key, ...]) -> Iterator[Mistake]:
        for output in placeholders.outputs_in(entry.url or ""):
            yield from self._undeclared_output(output, self._plan.stacks, where)

    def _undeclared_output(self, output: str, steps: Sequence[StackStep], where: tuple[Key, ...]) -> Iterator[Mistake]:
        documents = [self._root(step) for step in steps]
        names = {name for document in documents for name in document.expanded.get("Outputs") or {}}
        if output not in names and all(map(_is_plain, documents)):
            which = "the steps before it" if len(steps) < len(self._plan.stacks) else "the plan"
            yield f"no stack of {which} has an output {_shown(output, names)}", where, "Name an output of a template of the plan."

    def _of_entry(self, entry: SmokeEntry, n: int) -> Iterator[Mistake]:
        names = {"service": entry.service, "cluster": entry.cluster if entry.service else None, "schedule": entry.schedule}
        for kind, text in names.items():
            if text is None or (kind == "cluster" and text == "default"):
                continue
            name, declared = placeholders.fill(text, self._values), self._declared(kind)
            if declared is not None and name not in declared:
                what = f"no template of the plan has a {kind} {_shown(name, declared)}"
                yield what, ("smoke", n, kind), f"Name a {kind} as its template does{'' if kind == 'cluster' else ', or by its logical id'}."

    def _declared(self, kind: str) -> set[str] | None:
        """Returns the names of what a smoke entry may name, logical ids included; None if one is decided by the deployment."""
        names: set[str] = set()
        for document in self._every.deployed:
            for resource_type, key in _NAMES[kind].items():
                for logical, properties in document.of_type(resource_type):
                    names |= {logical} if kind != "cluster" else set()
                    names |= {properties[key]} if isinstance(properties.get(key), str) else set()
                    if unresolved.contains_function(properties.get(key)):
                        return None
            for _, service in document.of_type("AWS::ECS::Service") if kind == "cluster" else ():
                cluster = service.get("Cluster")
                names |= {cluster.rpartition("/")[2]} if isinstance(cluster, str) else set()
                if unresolved.contains_function(cluster) and not self._is_of_plan(document, cluster):
                    return None
        return names

    def _is_of_plan(self, document: ResolvedTemplate, cluster: object) -> bool:
        """Whether a cluster is one that a template of the plan creates."""
        return ReferenceTracer(self._every).find(document, cluster, "AWS::ECS::Cluster") is not None

    def _root(self, step: StackStep) -> ResolvedTemplate:
        return self._roots[placeholders.fill(step.name, self._values)]


def _is_plain(document: ResolvedTemplate) -> bool:
    """Whether nothing but the template itself decides which parameters and outputs a stack has."""
    transforms = document.source.data.get("Transform") or []
    return document.is_expanded and all(name == _EXTENSIONS for name in (transforms if isinstance(transforms, list) else [transforms]))


def _is_complete(document: ResolvedTemplate) -> bool:
    """Whether all resources of a stack are known: nothing adds some, and each nested template is one of the plan."""
    nested = {logical for kind in NESTED for logical, _ in document.of_type(kind)}
    return _is_plain(document) and nested <= set(document.children) and "Fn::Transform" not in str(document.data)


def _shown(name: str, names: set[str] | Mapping[str, object]) -> str:
    """Returns an unknown name with the nearest one, or with all of them if they are few."""
    near = spelling.nearest(name, sorted(names))
    listed = f" Expected: {', '.join(sorted(names))}" if near == "." and 0 < len(names) <= 8 else ""
    return f"{name!r}{near}{listed}".rstrip(".")
