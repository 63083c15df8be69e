"""What a picture consists of; `look` is a class of the style sheet."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Label:
    """A line of text that begins at a point, or ends there if it `is_end`; `title` is the whole text."""

    x: float
    y: float
    text: str
    look: str = ""
    title: str = ""
    is_end: bool = False


@dataclass(frozen=True)
class Box:
    """A rectangle with lines of text in it."""

    x: float
    y: float
    width: float
    height: float
    look: str
    labels: tuple[Label, ...] = ()
    title: str = ""

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.y + self.height


@dataclass(frozen=True)
class Line:
    """A line along a path, with an arrow at its end if it `is_arrow`."""

    path: str
    look: str
    title: str = ""
    is_arrow: bool = False


@dataclass(frozen=True)
class Picture:
    """A picture, drawn in this order: boxes, lines, labels."""

    title: str
    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...] = ()
    labels: tuple[Label, ...] = ()
