"""Evaluates a template as far as it can be decided before it is deployed; pure.

What cannot be decided stays as it is: a reference to a parameter without a value, a condition that needs one, and
a function that cannot be evaluated. `intrinsic_functions` refuses these; here they are not errors.
"""

from __future__ import annotations

from collections.abc import Mapping

from preflight.aws import unresolved
from preflight.templates import intrinsic_functions, references
from preflight.templates.intrinsic_functions import FunctionResolver, Path, ResolutionContext, ResolveError, Value

NOTHING = {"Ref": "AWS::NoValue"}
_LOGIC = frozenset({"Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not", "Condition"})


class UndecidedError(Exception):
    """A condition depends on a value that is not known yet."""


class PartialResolver(FunctionResolver):
    """Evaluates the parts of one template, and leaves what is undecided."""

    def __init__(self, scope: ResolutionContext) -> None:
        super().__init__(scope)
        self._undecided: set[str] = set()
        self._depth = 0

    def condition(self, name: str, path: Path = ()) -> bool:
        """Whether the condition of that name holds.

        Raises:
            UndecidedError: it depends on what is not known, or cannot be evaluated.
        """
        if name in self._undecided:
            raise UndecidedError(name)
        self._depth += 1
        try:
            return super().condition(name, path)
        except (UndecidedError, ResolveError):
            self._undecided.add(name)
            raise UndecidedError(name) from None
        finally:
            self._depth -= 1

    def is_undecided(self, name: str) -> bool:
        """Whether the condition of that name cannot be decided yet."""
        try:
            self.condition(name)
        except UndecidedError:
            return True
        return False

    def holds(self, resource: Mapping[str, Value]) -> bool:
        """Whether a resource (or output) exists, or may exist."""
        try:
            return super().holds(resource)
        except UndecidedError:
            return True

    def _function(self, name: str, argument: Value, path: Path) -> Value:
        try:
            return super()._function(name, argument, path)
        except (UndecidedError, ResolveError):
            if self._depth and name in _LOGIC:
                raise UndecidedError(name) from None
            return {name: argument}

    def _if(self, argument: Value, path: Path) -> Value:
        try:
            return super()._if(argument, path)
        except UndecidedError:
            branches = [self.value(argument[n], (*path, n)) for n in (1, 2)]
            return {"Fn::If": [argument[0], *(NOTHING if b is intrinsic_functions.NO_VALUE else b for b in branches)]}

    def _sub(self, argument: Value, path: Path) -> Value:
        """Evaluates Fn::Sub; a text that is one reference and nothing else becomes that reference."""
        value = super()._sub(argument, path)
        substitution = value["Fn::Sub"] if unresolved.function_of(value) == "Fn::Sub" else None
        text, mapped = substitution if isinstance(substitution, list) else (substitution, {})
        names = intrinsic_functions.names_in(text) if isinstance(text, str) else []
        if len(names) != 1 or text != f"${{{names[0]}}}":
            return value
        return mapped.get(names[0], references.reference_of(names[0]))

    def _equals(self, argument: Value, path: Path) -> Value:
        if isinstance(argument, list) and any(intrinsic_functions.holds_kept(self.value(item, path)) for item in argument):
            raise UndecidedError
        return super()._equals(argument, path)

    def _and(self, argument: Value, path: Path) -> Value:
        return self._decide(argument, path, decisive=False)

    def _or(self, argument: Value, path: Path) -> Value:
        return self._decide(argument, path, decisive=True)

    def _decide(self, argument: Value, path: Path, *, decisive: bool) -> bool:
        """Returns `decisive` if one item has that value, else its opposite if all items are decided."""
        if not isinstance(argument, list):
            raise UndecidedError
        truths = [self._known_truth(item, (*path, n)) for n, item in enumerate(argument)]
        if decisive in truths:
            return decisive
        if None in truths:
            raise UndecidedError
        return not decisive

    def _known_truth(self, item: Value, path: Path) -> bool | None:
        try:
            return self._truth(item, path)
        except (UndecidedError, ResolveError):
            return None
