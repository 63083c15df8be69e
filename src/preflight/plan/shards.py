"""Which of many plans a run takes: those that are named, or a shard of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from preflight.errors import UsageError
from preflight.plan import plan


@dataclass(frozen=True)
class Shard:
    """The `number`-th of `count` equal parts."""

    number: int
    count: int


def plans(paths: Sequence[Path], shard: Shard | None) -> list[Path]:
    """Returns the plans that paths name, in order and each once; of a folder the one in it, and with a shard all below it.

    Raises:
        UsageError: there is none.
    """
    if shard is None:
        return list(dict.fromkeys(plan.find(path) for path in paths))
    every = sorted({file.resolve() for path in paths or [Path()] for file in _below(path)})
    return every[shard.number - 1 :: shard.count]


def _below(path: Path) -> Iterator[Path]:
    """Yields a plan itself, or those of that name below a folder, hidden folders left out.

    Raises:
        UsageError: there is none.
    """
    if not path.is_dir():
        yield plan.find(path)
        return
    files = [file for file in path.rglob(plan.FILE) if not any(part.startswith(".") for part in file.relative_to(path).parts)]
    for file in files:
        plan.check(file)
    if not files:
        msg = f"{path}: there is no {plan.FILE} in this folder or below it. Next: `preflight init {path}` writes one"
        raise UsageError(msg)
    yield from files
