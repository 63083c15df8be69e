"""The stacks of a plan as documents: each template with what its stack's parameters decide; pure.

Nested stacks are followed where TemplateURL leads to a template that is known, and get what their
parents pass. References to resources stay references, and so does what is not known yet:
parameters without a value, those that are secret (NoEcho), and those that the account looks up (SSM).
Without a plan every template that no other one nests is a document of its own, with its defaults.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from preflight.aws import unresolved
from preflight.errors import UsageError
from preflight.plan import cdk_assets, placeholders
from preflight.plan.plan import ImageStep, Plan
from preflight.templates import error_location, intrinsic_functions, language_extensions, parameters, partial
from preflight.templates.intrinsic_functions import ResolutionContext, ResolveError
from preflight.templates.partial import PartialResolver, UndecidedError
from preflight.templates.template import Key, Template

STACK = "AWS::CloudFormation::Stack"
NESTED = {STACK: "TemplateURL", "AWS::Serverless::Application": "Location"}  # what nests a template, and the property that names it
REGION = "us-east-1"  # without a plan
MAX_DEPTH = 10
MAX_DOCUMENTS = 5000
MOST_UNKNOWN_NAME = 12  # characters; a load balancer's name, with what templates put after it, has 32
NESTED_SUFFIX = "1A2B3C4D5E6F7"  # AWS puts thirteen characters of its own behind the logical id
_AS_WRITTEN = frozenset({"Type", "Metadata", "Condition", "DependsOn"})
_DIGITS = re.compile(r"0|-?[1-9][0-9]{0,17}")  # as rules compare numbers
Find = Callable[[Path, Any], Path | None]


@dataclass(eq=False)
class ResolvedTemplate:
    """One stack's template, resolved; `stack` is its name, None where only defaults are known."""

    path: Path
    source: Template
    stack: str | None
    resolver: PartialResolver
    expanded: Mapping[str, Any]
    parameters: Mapping[str, Any]
    parent: ResolvedTemplate | None
    data: dict[str, Any] = field(default_factory=dict)
    children: dict[str, ResolvedTemplate] = field(default_factory=dict)
    is_expanded: bool = True

    @property
    def name(self) -> str:
        """What reports call the file of the template."""
        return self.source.name

    @property
    def resources(self) -> Mapping[str, Mapping[str, Any]]:
        """The resources that exist, or may exist, by logical id."""
        resources: Mapping[str, Mapping[str, Any]] = self.data["Resources"]
        return resources

    @property
    def root(self) -> ResolvedTemplate:
        """The document of the stack that all the others are nested in."""
        return self if self.parent is None else self.parent.root

    def of_type(self, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Logical id and properties of every resource of a type."""
        for logical, resource in self.resources.items():
            if resource.get("Type") == kind:
                yield logical, properties(resource)

    def chosen(self, part: Any) -> Any:
        """Returns a part without the branches of Fn::If that its condition leaves out; both stay if it is not known."""
        taken = self._through(part, ())[0]
        if isinstance(taken, list):
            return [self.chosen(item) for item in taken]
        return {key: self.chosen(item) for key, item in taken.items()} if isinstance(taken, dict) else taken

    def line(self, *path: Key) -> int:
        """Line, in the source, of the part that is at `path` here, or of what stands above it."""
        return error_location.line(self.source, *self.source_path(path))

    def source_path(self, path: tuple[Key, ...]) -> tuple[Key, ...]:
        """Where in the source the part stands that is at `path` here."""
        node: Any = self.expanded
        walked: tuple[Key, ...] = ()
        for key in path:
            node, walked = self._through(node, walked)
            step = self._step(node, key)
            if step is None:
                return walked
            node, walked = node[step], (*walked, step)
        return self._through(node, walked)[1]

    def _through(self, node: Any, walked: tuple[Key, ...]) -> tuple[Any, tuple[Key, ...]]:
        """Past every Fn::If that is decided, to the branch that was taken."""
        while unresolved.function_of(node) == "Fn::If":
            branches = node["Fn::If"]
            if not isinstance(branches, list) or len(branches) != 3 or not isinstance(branches[0], str):
                break
            try:
                chosen = 1 if self.resolver.condition(branches[0]) else 2
            except UndecidedError:
                break
            node, walked = branches[chosen], (*walked, "Fn::If", chosen)
        return node, walked

    def _step(self, node: Any, key: Key) -> Any:
        if isinstance(node, dict):
            return next((k for k in (key, str(key)) if k in node), None)
        if isinstance(node, list) and isinstance(key, int):
            positions = [n for n, item in enumerate(node) if self._through(item, ())[0] != partial.NOTHING]
            return positions[key] if key < len(positions) else None
        return None


@dataclass(frozen=True)
class ResolvedStacks:
    """All documents; `is_closed` when a plan says that they are all there is, `pushed` are the repositories of its images."""

    documents: tuple[ResolvedTemplate, ...]
    is_closed: bool
    pushed: frozenset[str] = frozenset()

    @functools.cached_property
    def exports(self) -> Mapping[str, tuple[ResolvedTemplate, Any]]:
        """The values that stacks export, by name, each with the document it stands in."""
        return {name: (document, value) for document in self.documents for name, value in _exports(document)}

    @property
    def deployed(self) -> list[ResolvedTemplate]:
        """The documents of the stacks that a plan creates, nested ones included."""
        return [document for document in self.documents if document.root.stack is not None]

    def of_file(self, name: str) -> list[ResolvedTemplate]:
        """The documents of one template, by what reports call its file."""
        return [document for document in self.documents if document.name == name]


def properties(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """The properties of a resource; none where they are no map."""
    value = resource.get("Properties")
    return value if isinstance(value, dict) else {}


def imports(document: ResolvedTemplate) -> Iterator[str]:
    """Yields the names of the exports that a document imports, as far as they and the conditions are known."""
    resources = [r for r in document.expanded["Resources"].values() if isinstance(r, dict) and document.resolver.holds(r)]
    for argument in values_of(document.chosen(resources), "Fn::ImportValue"):
        name = document.resolver.value(argument, ())
        if isinstance(name, str):
            yield name


def values_of(part: Any, key: str) -> Iterator[Any]:
    """Yields what has a key, anywhere in a part of a template."""
    if isinstance(part, dict) and key in part:
        yield part[key]
    for item in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from values_of(item, key)


def of_plan(plan: Plan, templates: Mapping[Path, Template], *, run: str, account: str = placeholders.ACCOUNT) -> ResolvedStacks:
    """The documents of a plan: one for each stack, and one for each template that no stack uses.

    Raises:
        UsageError: there is no end to what they nest.
    """
    values = placeholders.of(plan, run=run, account=account)
    builder = _Builder(templates, _staged(plan, values), region=plan.region, account=account)
    for step in plan.stacks:
        if step.template in templates:
            passed = {key: _given(value, values) for key, value in step.parameters.items()}
            builder.add(step.template, placeholders.fill(step.name, values), passed)
    builder.add_unused()
    images = [placeholders.fill(step.name, values) for step in plan.steps if isinstance(step, ImageStep)]
    return ResolvedStacks(tuple(builder.made), is_closed=True, pushed=frozenset(name.partition(":")[0] for name in images))


def _given(value: str, values: Mapping[str, str]) -> Any:
    """Returns the value of a parameter; the output of an earlier step is known only once that is deployed."""
    return intrinsic_functions.KEEP if placeholders.outputs_in(value) else placeholders.fill(value, values)


def of_templates(templates: Mapping[Path, Template]) -> ResolvedStacks:
    """The documents of templates without a plan, by their defaults.

    Raises:
        UsageError: there is no end to what they nest.
    """
    find = _TemplateFinder(templates).find
    builder = _Builder(templates, find, region=REGION, account=placeholders.ACCOUNT)
    nested = {child for path, source in templates.items() for child in _nested(path, source, find)}
    for path in templates:
        if path not in nested:
            builder.add(path, None, {})
    builder.add_unused()
    return ResolvedStacks(tuple(builder.made), is_closed=False)


def nested_templates(templates: Mapping[Path, Template]) -> dict[Path, set[Path]]:
    """Returns the templates that each one nests itself, without a plan."""
    find = _TemplateFinder(templates).find
    return {path: set(_nested(path, source, find)) for path, source in templates.items()}


def _exports(document: ResolvedTemplate) -> Iterator[tuple[str, Any]]:
    """Yields the names that a document exports, with their values; without a plan, also under the name of a stack called like the file."""
    short, long = _stack_name(document.stack, document.path), _named_as_file(document.path)
    for output in document.data["Outputs"].values():
        export = output.get("Export")
        name = export.get("Name") if isinstance(export, dict) else None
        if isinstance(name, str):
            yield name, output.get("Value")
            if document.stack is None and short in name:
                yield name.replace(short, long), output.get("Value")


def _stack_name(stack: str | None, path: Path) -> str:
    """Returns the value of AWS::StackName: that of the plan, for a nested stack in AWS's form, else a short one by the file.

    Only the user knows the name of a stack that is in no plan, so that it must not make other names too long, or invalid.
    """
    if stack is not None:
        own, *nested = stack.split("/")
        return "-".join([own, *(f"{logical}-{NESTED_SUFFIX}" for logical in nested)])
    name = _named_as_file(path)
    if len(name) <= MOST_UNKNOWN_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:4]  # two files may begin with the same word
    return f"{name[: MOST_UNKNOWN_NAME - 5].strip('-')}-{digest}"


def _named_as_file(path: Path) -> str:
    """Returns the name of a file as far as a stack can have it."""
    return re.sub(r"[^A-Za-z0-9]+", "-", path.stem).lstrip("-0123456789").strip("-") or "stack"


def _nested(path: Path, source: Template, find: Find) -> Iterator[Path]:
    for resource in source.resources.values():
        if str(resource.get("Type")) in NESTED:
            child = find(path, properties(resource).get(NESTED[str(resource["Type"])]))
            if child is not None and child != path:
                yield child


def _staged(plan: Plan, values: Mapping[str, str]) -> Find:
    """Finds a nested template where the deployment stages it, else as a path beside its parent."""
    files = plan.template_files()
    base = plan.templates
    keys = {
        f"{values['templates']}/{_relative(file, base, plan.folder)}": file for file in files
    }  # as aws.deployment stages them
    near = _TemplateFinder(dict.fromkeys(files))

    def find(parent: Path, url: Any) -> Path | None:
        if not isinstance(url, str):
            return near.find(parent, url)
        key = unquote(urlsplit(url).path).lstrip("/")
        staged = next((file for staged, file in keys.items() if key == staged or key.endswith(f"/{staged}")), None)
        return staged or near.asset(url) or near.beside(parent, url)

    return find


def _relative(file: Path, base: Path | None, folder: Path) -> str:
    for start in (base, folder):
        if start is not None and file.is_relative_to(start):
            return file.relative_to(start).as_posix()
    return file.name


class _TemplateFinder:
    """Finds a nested template by the end of its URL: beside its parent, else the only one of that name."""

    def __init__(self, templates: Mapping[Path, object]) -> None:
        self._by_name: dict[str, list[Path]] = {}
        for path in templates:
            self._by_name.setdefault(path.name, []).append(path)
        self._assets = cdk_assets.nested_templates(templates)

    def asset(self, url: Any) -> Path | None:
        """The template that CDK publishes under the hash at the end of `url`."""
        return self._assets.get(_tail(url).rpartition("/")[2])

    def find(self, parent: Path, url: Any) -> Path | None:
        """The template that `url`, as far as it is known, leads to."""
        name = _tail(url).rpartition("/")[2]
        candidates = self._by_name.get(name, [])
        own = [path for path in candidates if path.parent == parent.parent]
        return self.asset(url) or next(iter(own), candidates[0] if len(candidates) == 1 else None)

    def beside(self, parent: Path, url: str) -> Path | None:
        """The template that a relative path leads to, as `aws cloudformation package` takes it."""
        return None if "://" in url else self.find(parent, url)


def _tail(url: Any) -> str:
    """The end of a URL that is plain text; empty where it is not known."""
    name = unresolved.function_of(url)
    if name == "Fn::Sub":
        argument = url[name]
        url = argument[0] if isinstance(argument, list) and argument else argument
    elif name == "Fn::Join":
        argument = url[name]
        items = argument[1] if isinstance(argument, list) and len(argument) == 2 else None
        url = items[-1] if isinstance(items, list) and items else None
    if not isinstance(url, str):
        return ""
    return url.rpartition("}")[2] if "${" in url else url


class _Builder:
    """Makes documents, each with those nested in it."""

    def __init__(
        self, templates: Mapping[Path, Template], find: Find, *, region: str, account: str
    ) -> None:
        self._templates = templates
        self._find = find
        self._region = region
        self._account = account
        self._exports: dict[str, Any] = {}
        self.made: list[ResolvedTemplate] = []

    def add_unused(self) -> None:
        """A document, by its defaults, for each template that has none yet."""
        used = {document.path for document in self.made}
        for path in self._templates:
            if path not in used:
                self.add(path, None, {})

    def add(
        self, path: Path, stack: str | None, passed: Mapping[str, Any], parent: ResolvedTemplate | None = None
    ) -> ResolvedTemplate:
        """The document of one stack."""
        if len(self.made) >= MAX_DOCUMENTS:
            msg = f"{self._templates[path].name}: there are more than {MAX_DOCUMENTS} nested stacks. Next: end the nesting"
            raise UsageError(msg)
        document = self._started(path, stack, passed, parent)
        self.made.append(document)
        _TemplateResolver(document, self._child).fill()
        self._exports.update(_exports(document))
        return document

    def _started(self, path: Path, stack: str | None, passed: Mapping[str, Any], parent: ResolvedTemplate | None) -> ResolvedTemplate:
        source = self._templates[path]
        sections = {name: _map(source.data, name) for name in ("Parameters", "Conditions", "Mappings", "Resources", "Outputs")}
        raw = {**source.data, **sections}
        pseudo = parameters.pseudo_parameters(region=self._region, account=self._account, stack_name=_stack_name(stack, path))
        scope = ResolutionContext(raw, _values(sections["Parameters"], passed), pseudo, imported=self._imported)
        expanded, is_expanded = _expanded(raw, scope)
        resolver = PartialResolver(ResolutionContext(expanded, scope.parameters, pseudo, imported=self._imported))
        return ResolvedTemplate(path, source, stack, resolver, expanded, passed, parent, is_expanded=is_expanded)

    def _imported(self, name: str) -> Any:
        value = self._exports.get(name, intrinsic_functions.KEEP)
        return intrinsic_functions.KEEP if intrinsic_functions.holds_kept(value) else value

    def _child(self, parent: ResolvedTemplate, logical: str, properties: Mapping[str, Any]) -> ResolvedTemplate | None:
        path = self._find(parent.path, properties.get("TemplateURL", properties.get("Location")))
        above = list(_ancestors(parent))
        if path is None or path not in self._templates or path in above or len(above) >= MAX_DEPTH:
            return None
        passed = properties.get("Parameters")
        stack = f"{parent.stack}/{logical}" if parent.stack is not None else None
        return self.add(path, stack, passed if isinstance(passed, dict) else {}, parent)


def _ancestors(document: ResolvedTemplate | None) -> Iterator[Path]:
    while document is not None:
        yield document.path
        document = document.parent


def _map(data: Mapping[str, Any], section: str) -> dict[str, Any]:
    value = data.get(section)
    return value if isinstance(value, dict) else {}


def _values(declared: Mapping[str, Any], passed: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the parameters that are known."""
    values = {name: _value(name, d, passed) for name, d in declared.items() if isinstance(d, dict)}
    return {name: value for name, value in values.items() if value is not intrinsic_functions.KEEP}


def _value(name: str, declared: Mapping[str, Any], passed: Mapping[str, Any]) -> Any:
    is_hidden = intrinsic_functions.as_text(declared.get("NoEcho", False)).lower() == "true"
    is_looked_up = str(declared.get("Type")).startswith("AWS::SSM::")
    if is_hidden or is_looked_up or (name not in passed and "Default" not in declared):
        return intrinsic_functions.KEEP
    value = passed.get(name, declared.get("Default"))
    if value is intrinsic_functions.KEEP or isinstance(value, dict | list):
        return intrinsic_functions.KEEP
    try:
        text = parameters.parameter_values({"Parameters": {name: declared}}, {name: value})[name]
    except (ResolveError, TypeError, ValueError):
        return intrinsic_functions.KEEP
    return int(text) if declared.get("Type") == "Number" and _DIGITS.fullmatch(text) else text


def _expanded(raw: dict[str, Any], scope: ResolutionContext) -> tuple[dict[str, Any], bool]:
    """The template after its loops are unrolled, and whether they could be."""
    if not language_extensions.is_used(raw):
        return raw, True
    try:
        return language_extensions.expanded(raw, scope), True
    except (ResolveError, AttributeError, TypeError, ValueError):
        return raw, False


class _TemplateResolver:
    """Resolves the sections of one document; nested stacks first where something needs their outputs."""

    def __init__(self, document: ResolvedTemplate, child: Callable[[ResolvedTemplate, str, Mapping[str, Any]], ResolvedTemplate | None]) -> None:
        self._document = document
        self._child = child
        self._begun: set[str] = set()
        self._known: dict[str, Mapping[str, Any]] = {}
        scope = document.resolver.scope
        document.resolver.scope = ResolutionContext(
            scope.data, scope.parameters, scope.pseudo, scope.zones, scope.imported, self._refer
        )

    def fill(self) -> None:
        """Resources and outputs, resolved; what else rules look at, as it is written."""
        document, source = self._document, self._document.expanded
        resources = {name: r for name, r in source["Resources"].items() if isinstance(r, dict)}
        sections = {name: source[name] for name in ("AWSTemplateFormatVersion", "Metadata", "Parameters") if source.get(name)}
        document.data = {**sections, "Resources": {}, "Outputs": {}}
        for name, resource in resources.items():
            if document.resolver.holds(resource):
                self._nest(name, resource)
                document.data["Resources"][name] = self._resolved(resource, ("Resources", name), _AS_WRITTEN)
        for name, output in source["Outputs"].items():
            if isinstance(output, dict) and document.resolver.holds(output):
                document.data["Outputs"][name] = self._resolved(output, ("Outputs", name), frozenset({"Condition"}))

    def _resolved(self, part: Mapping[str, Any], path: intrinsic_functions.Path, written: frozenset[str]) -> dict[str, Any]:
        values = {
            key: value if key in written else self._document.resolver.value(value, (*path, key))
            for key, value in part.items()
        }
        return {key: value for key, value in values.items() if value is not intrinsic_functions.NO_VALUE}

    def _nest(self, name: str, resource: Mapping[str, Any]) -> None:
        """Make the document of a nested stack, once."""
        if str(resource.get("Type")) not in NESTED or name in self._begun:
            return
        self._begun.add(name)
        resolved = self._document.resolver.value(properties(resource), ("Resources", name, "Properties"))
        child = self._child(self._document, name, resolved)
        if child is not None:
            self._document.children[name] = child

    def _refer(self, name: str, attribute: str | None) -> Any:
        """The value of a nested stack's output where it is plain; all else stays a reference."""
        resource = self._document.expanded["Resources"].get(name)
        if attribute is None or not attribute.startswith("Outputs.") or not isinstance(resource, dict):
            return intrinsic_functions.KEEP
        self._nest(name, resource)
        child = self._document.children.get(name)
        output = child.data["Outputs"].get(attribute.removeprefix("Outputs.")) if child and child.data else None
        value = output.get("Value", intrinsic_functions.KEEP) if isinstance(output, dict) else intrinsic_functions.KEEP
        return intrinsic_functions.KEEP if isinstance(value, dict | list) or value is None else value
