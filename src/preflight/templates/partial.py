"""Evaluates a template as far as it can be decided before it is deployed; pure.

What cannot be decided stays as it is: a reference to a parameter without a value, a condition that
needs one, and a function that does not evaluate. `resolve` refuses these; here they are no faults.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.templates import functions
from preflight.templates.functions import FunctionResolver, Path, ResolutionContext, ResolveError

NOTHING = {"Ref": "AWS::NoValue"}
_FAULTS = (ResolveError, ValueError, TypeError, AttributeError, IndexError, OverflowError)
_LOGIC = frozenset({"Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not", "Condition"})


class UndecidedError(Exception):
    """A condition that nobody can decide yet."""


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
        except (UndecidedError, *_FAULTS):
            self._undecided.add(name)
            raise UndecidedError(name) from None
        finally:
            self._depth -= 1

    def is_undecided(self, name: str) -> bool:
        """Whether nobody can say if the condition of that name holds."""
        try:
            self.condition(name)
        except UndecidedError:
            return True
        return False

    def holds(self, resource: Mapping[str, Any]) -> bool:
        """Whether a resource (or output) exists, or may exist."""
        try:
            return super().holds(resource)
        except UndecidedError:
            return True

    def _function(self, name: str, argument: Any, path: Path) -> Any:
        try:
            return super()._function(name, argument, path)
        except (UndecidedError, *_FAULTS):
            if self._depth and name in _LOGIC:
                raise UndecidedError(name) from None
            return {name: argument}

    def _if(self, argument: Any, path: Path) -> Any:
        try:
            return super()._if(argument, path)
        except UndecidedError:
            branches = [self.value(argument[n], (*path, n)) for n in (1, 2)]
            return {"Fn::If": [argument[0], *(NOTHING if b is functions.NO_VALUE else b for b in branches)]}

    def _sub(self, argument: Any, path: Path) -> Any:
        """A text that is one reference and nothing more is that reference."""
        found = super()._sub(argument, path)
        text = found["Fn::Sub"] if functions.function_of(found) == "Fn::Sub" else None
        text, own = (text[0], text[1]) if isinstance(text, list) else (text, {})
        alone = functions.SUB_NAME.fullmatch(text) if isinstance(text, str) else None
        if alone is None:
            return found
        name = alone.group(1).strip()
        logical, _, attribute = name.partition(".")
        reference = {"Fn::GetAtt": [logical, attribute]} if attribute else {"Ref": logical}
        return own.get(alone.group(1), reference)

    def _equals(self, argument: Any, path: Path) -> Any:
        if isinstance(argument, list) and any(functions.holds_kept(self.value(item, path)) for item in argument):
            raise UndecidedError
        return super()._equals(argument, path)

    def _and(self, argument: Any, path: Path) -> Any:
        return self._joined(argument, path, decisive=False)

    def _or(self, argument: Any, path: Path) -> Any:
        return self._joined(argument, path, decisive=True)

    def _joined(self, argument: Any, path: Path, *, decisive: bool) -> bool:
        """One decisive item decides; else all of them have to be decided."""
        if not isinstance(argument, list):
            raise UndecidedError
        answers = [self._answer(item, (*path, n)) for n, item in enumerate(argument)]
        if decisive in answers:
            return decisive
        if None in answers:
            raise UndecidedError
        return not decisive

    def _answer(self, item: Any, path: Path) -> bool | None:
        try:
            return self._truth(item, path)
        except (UndecidedError, *_FAULTS):
            return None
