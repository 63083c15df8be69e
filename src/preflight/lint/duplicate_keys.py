"""The text of a template without the keys that a later one of the same name replaces.

AWS takes such templates, with the last value; cfn-lint refuses to read them.
"""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from preflight.templates import template

Span = tuple[yaml.Mark, yaml.Mark]


def without_replaced(text: str) -> str:
    """Returns a text with each replaced key and its value blanked, so that every other line and column stays.

    Raises:
        UnreadableError: it is not well-formed.
    """
    node = template.compose(text)
    lines = text.splitlines(keepends=True)
    for start, end in _replaced(node):
        _blank(lines, start, end)
    return "".join(lines)


def _replaced(node: yaml.Node | None) -> Iterator[Span]:
    """Yields from where to where a replaced key and its value stand: up to the next key of the same map."""
    if isinstance(node, yaml.MappingNode):
        last = {key.value: n for n, (key, _) in enumerate(node.value) if isinstance(key, yaml.ScalarNode)}
        for n, (key, value) in enumerate(node.value):
            if isinstance(key, yaml.ScalarNode) and last[key.value] != n:
                yield key.start_mark, node.value[n + 1][0].start_mark
            else:
                yield from _replaced(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _replaced(item)


def _blank(lines: list[str], start: yaml.Mark, end: yaml.Mark) -> None:
    for n in range(start.line, end.line + 1):
        begin = start.column if n == start.line else 0
        stop = end.column if n == end.line else len(lines[n].rstrip("\r\n"))
        lines[n] = lines[n][:begin] + " " * (stop - begin) + lines[n][stop:]
