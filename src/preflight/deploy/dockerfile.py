"""Reads the instructions of a Dockerfile as podman and docker do. Pure.

Where builders differ (in the escape character, and in what ends a continued line), `readings` has every reading, so that
what any of them would run can be checked. Source: https://docs.docker.com/reference/dockerfile/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

ESCAPES = ("\\", "`")
_DIRECTIVE = re.compile(r"#[ \t]*escape[ \t]*=[ \t]*([\\`])[ \t]*$", re.IGNORECASE)
_INSTRUCTION = re.compile(r"\s*((?:ONBUILD\s+)*)([a-z]+)(.*)", re.IGNORECASE | re.DOTALL)
_ARG = re.compile(r"(\w+)=(\S*)")
_QUOTES = re.compile(r"[\"'\\]")
_STAGE = re.compile(r"[a-z][a-z0-9._-]*")  # what else follows AS is no name of a stage
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))")


@dataclass(frozen=True)
class Instruction:
    """One instruction: its first line, its keyword in capitals (of ONBUILD, that of what it adds), its flags and the rest."""

    line: int
    keyword: str
    flags: tuple[str, ...]
    rest: str

    def values(self, flag: str) -> Iterator[str]:
        """Yields the values of a flag, as `--from`."""
        for text in self.flags:
            name, _, value = text.partition("=")
            if name.lower() == flag:
                yield value


@dataclass(frozen=True)
class Base:
    """The image of a FROM: its name with variables filled in (`$` for one that is not known), and its flags."""

    name: str
    flags: tuple[str, ...]


def instructions(text: str) -> list[Instruction]:
    """Returns the instructions of a Dockerfile."""
    text = text.removeprefix("\ufeff")
    first = next((line for line in text.split("\n") if line.strip()), "")
    directive = _DIRECTIVE.match(first.strip())
    return list(_read(text, directive[1] if directive else "\\"))


def readings(text: str) -> list[list[Instruction]]:
    """Returns the instructions as each builder could read them."""
    text = text.removeprefix("\ufeff")
    return [list(_read(text, escape)) for escape in (*ESCAPES, "")]


def _read(text: str, escape: str) -> Iterator[Instruction]:
    continues = re.compile(rf"{re.escape(escape)}[ \t]*$") if escape else re.compile(r"(?!)")
    start, parts = 0, [""]
    for number, ended in enumerate(text.split("\n"), 1):
        line = ended.rstrip("\r")
        if line.lstrip().startswith("#") or (len(parts) > 1 and not line.strip()):
            continue
        start = start if len(parts) > 1 else number
        parts.append(continues.sub("", line))
        if not continues.search(line):
            yield from _instruction(start, "".join(parts))
            parts = [""]
    yield from _instruction(start, "".join(parts))


def _instruction(line: int, text: str) -> Iterator[Instruction]:
    match = _INSTRUCTION.match(text)
    if match is not None:
        flags, rest = _flags(match[3])
        yield Instruction(line, match[2].upper(), flags, rest)


def _flags(text: str) -> tuple[tuple[str, ...], str]:
    """Returns the words in front that begin with `--`, without their quotes and escapes, and what follows them."""
    flags: list[str] = []
    position = _next_word(text, 0)
    while text.startswith("--", position):
        word, quote = [], ""
        while position < len(text) and (quote or not text[position].isspace()):
            character = text[position]
            if character == "\\" and quote != "'":
                position += 1
                word.append(text[position : position + 1])
            elif character in {"'", '"'} and quote in {"", character}:
                quote = "" if quote else character
            else:
                word.append(character)
            position += 1
        flags.append("".join(word))
        position = _next_word(text, position)
    return tuple(flags), text[position:]


def _next_word(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def bases(read: list[Instruction], predefined: Mapping[str, str], *, has_late: bool = False) -> Iterator[Base]:
    """Yields the images that a Dockerfile builds on, but for its own stages.

    A variable has the value from before the first FROM, or if it `has_late`, the last one of the whole file.
    """
    values = _variables(read, predefined, has_late=has_late)
    stages = {"scratch"}
    for one in read:
        words = one.rest.split() if one.keyword == "FROM" else []
        if not words or words[0] in ESCAPES:  # the name is on the next line, as another builder reads it
            continue
        name = _name(words[0], values)
        if name.lower() not in stages:
            yield Base(name, one.flags)
        stages |= _stage(words)


def with_bases(text: str, images: Mapping[str, str], predefined: Mapping[str, str]) -> str:
    """Returns the Dockerfile with other `images` to build on, by the names of those that they replace."""
    read, lines, stages = instructions(text), text.split("\n"), {"scratch"}
    values = _variables(read, predefined)
    for one in read:
        words = one.rest.split() if one.keyword == "FROM" else []
        for word in words[:1] or one.values("--from"):
            name = _name(word, values)
            if name in images and name.lower() not in stages:
                whole_word = rf"(?<![^\s=]){re.escape(word)}(?!\S)"
                rest = "\n".join(lines[one.line - 1 :])
                lines[one.line - 1 :] = re.sub(whole_word, images[name].replace("\\", r"\\"), rest, count=1).split("\n")
        stages |= _stage(words)
    return "\n".join(lines)


def sources(read: list[Instruction]) -> Iterator[str]:
    """Yields the name of each image that an instruction takes files from, but for stages of the build itself."""
    stages = {"scratch"}
    for one in read:
        if one.keyword == "FROM":
            stages |= _stage(one.rest.split())
        mounted = (part.partition("=") for mount in one.values("--mount") for part in mount.split(","))
        names = [*one.values("--from"), *(value for key, _, value in mounted if key.strip().lower() == "from")]
        yield from (name for name in names if name.lower() not in stages and not name.isdigit())


def _variables(read: list[Instruction], predefined: Mapping[str, str], *, has_late: bool = False) -> dict[str, str]:
    until = next((number for number, one in enumerate(read) if one.keyword == "FROM"), len(read))
    arguments = [one.rest for one in (read if has_late else read[:until]) if one.keyword == "ARG"]
    return {**dict(pair for rest in arguments for pair in _args(rest)), **predefined}


def _name(word: str, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda match: _value(match, values), word.strip("\"'"))


def _args(rest: str) -> list[tuple[str, str]]:
    return [(name, _QUOTES.sub("", value)) for name, value in _ARG.findall(rest)]


def _value(match: re.Match[str], values: Mapping[str, str]) -> str:
    """Returns the value of a variable, else its default; `$` if it has neither."""
    name, default, short = match.groups()
    return values.get(name or short, default or "$")


def _stage(words: list[str]) -> set[str]:
    """Returns the name that a FROM gives to its stage, if it gives one."""
    is_named = len(words) > 2 and words[1].lower() == "as" and _STAGE.fullmatch(words[2].lower())
    return {words[2].lower()} if is_named else set()
