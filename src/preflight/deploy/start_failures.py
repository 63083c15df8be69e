"""Why the program of a container could not start, by the file of that name in the folders that are built.

What the kernel answers is the same for different mistakes: "no such file or directory" for a script whose interpreter
is missing, or whose first line ends as on Windows; "exec format error" for a script without a first line that names one,
or a program for another architecture. Source: https://man7.org/linux/man-pages/man2/execve.2.html.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_FAILURE = re.compile(
    r"exec:? \"?(?P<path>[^\":\s]+)\"?:? (?:stat \S+: )?(?P<why>no such file or directory|permission denied|exec format error)"
)
_FIRST_LINE = 256  # bytes, as the kernel reads
_MAX_FILES = 5_000


def advice(texts: Iterable[str], folders: Iterable[Path]) -> str | None:
    """Returns what to change so that a program starts, by what its container said; None if it said nothing of the kind.

    `folders` are those of the Dockerfiles.
    """
    match = _FAILURE.search("\n".join(texts))
    if match is None:
        return None
    path, why = match["path"], match["why"]
    if why == "permission denied":
        return f"{path} is not executable: RUN chmod +x {path} in the Dockerfile, or COPY --chmod=755."
    head = next(_heads(Path(path).name, folders), None)
    if why == "exec format error":
        is_script = head is not None and not head.startswith((b"#!", b"\x7fELF"))
        missing = f"{path} has no first line that names its interpreter: begin it with #!/bin/sh."
        return missing if is_script else f"{path} is a program for another architecture than the task's: build for its platform."
    return _of_missing(path, head)


def _of_missing(path: str, head: bytes | None) -> str:
    if head is None or not head.startswith(b"#!"):
        return f"There is no {path} in the image, or the library that loads it is missing (a program built on Debian does not run on Alpine)."
    interpreter = head[2:].strip().split(b" ")[0].decode(errors="replace")
    if head.endswith(b"\r"):
        return f"{path} has the line ends of Windows, so the kernel looks for an interpreter with a carriage return in its name: save it with line feeds alone (in git: text eol=lf)."
    return f"{path} names the interpreter {interpreter}, which the image does not have: install it, or name one that it has."


def _heads(name: str, folders: Iterable[Path]) -> Iterator[bytes]:
    """Yields the first line of each file of a name in the folders."""
    for folder in folders:
        for path in _files(folder):
            if path.name == name and path.is_file() and not path.is_symlink():
                with path.open("rb") as file:
                    yield file.read(_FIRST_LINE).split(b"\n")[0]


def _files(folder: Path) -> Iterator[Path]:
    count = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            count += 1
            if count > _MAX_FILES:
                return
            yield Path(parent, name)
