"""Reads the files of a git revision without a checkout: no hook, no filter and no program of the repository runs.

Sources: https://git-scm.com/docs/git-cat-file, https://git-scm.com/docs/git-ls-tree, https://git-scm.com/docs/gitrevisions
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from preflight.errors import ToolBrokeError, UsageError
from preflight.system import processes

TIMEOUT = 120.0
MAX_FILES = 50_000
MAX_BYTES = 1 << 30  # of all files together
BRANCHED_OFF = "..."
LINK, SUBMODULE = "120000", "160000"
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./@{}~^+-]{0,199}")
_UNTRUSTED = {  # what the repository's own configuration must not decide
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ALLOW_PROTOCOL": "none",  # a partial clone would fetch what it lacks, by a program that its configuration names
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


@dataclass(frozen=True)
class TreeEntry:
    """A file, link or submodule of a revision."""

    mode: str
    blob: str
    size: int
    path: PurePosixPath


class Repository:
    """A git repository on this machine, only ever read."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def commit(self, revision: str) -> str:
        """Returns the commit of a revision; for `REVISION...`, the commit at which HEAD branched off it.

        Raises:
            UsageError: there is no such commit here.
        """
        name, dots, _ = revision.partition(BRANCHED_OFF)
        if not is_revision(revision):
            msg = f"{revision!r} is not the name of a git revision. Expected a branch, tag or commit, such as origin/main, or origin/main... for the commit at which HEAD branched off"
            raise UsageError(msg)
        commit = self._commit(name)
        if not dots:
            return commit
        base = self._git("merge-base", commit, self._commit("HEAD"))
        if base.code != 0:
            msg = f"HEAD and {name} have no common ancestor in this clone. {_fetch(name)}"
            raise UsageError(msg)
        return base.stdout.strip()

    def _commit(self, name: str) -> str:
        answer = self._git("cat-file", "--batch-check=%(objectname) %(objecttype)", input_text=f"{name}^{{commit}}\n")
        match = re.fullmatch(r"([0-9a-f]{40,64}) commit", answer.stdout.strip())
        if answer.code != 0:
            msg = f"{self._root}: git cannot read the repository: {answer.stderr.strip()[-300:]}"
            raise UsageError(msg)
        if match is None:
            msg = f"{self._root} has no git revision {name!r}. {_fetch(name)}"
            raise UsageError(msg)
        return match[1]

    def write(self, commit: str, folder: Path) -> list[str]:
        """Write the files of a commit into an empty folder, and return the paths of links and submodules that were left out.

        Raises:
            UsageError: it has too many files, or paths that cannot be written.
        """
        entries = self._entries(commit)
        files = [entry for entry in entries if entry.mode not in {LINK, SUBMODULE}]
        links = [entry for entry in entries if entry.mode == LINK]
        if len(entries) > MAX_FILES or sum(entry.size for entry in entries) > MAX_BYTES:
            msg = f"{commit[:12]} has more than {MAX_FILES} files or {MAX_BYTES >> 20} MiB. Next: pass --from FOLDER with a folder that holds only what is deployed"
            raise UsageError(msg)
        folder = folder.resolve()  # what lies below is compared with where links lead
        contents = folder.with_name(f"{folder.name}.contents")
        self._write_contents([*files, *links], contents)
        with contents.open("rb") as stream:
            for entry in files:
                _write_file(folder / entry.path, _content(stream, entry), is_program=entry.mode == "100755")
            for entry in links:
                _write_link(folder / entry.path, os.fsdecode(_content(stream, entry)))
        contents.unlink()
        outside = list(_remove_links_outside(folder, links))
        return [str(entry.path) for entry in entries if entry.mode == SUBMODULE] + outside

    def _entries(self, commit: str) -> Sequence[TreeEntry]:
        listed = self._git("ls-tree", "-r", "-l", "-z", "--full-tree", commit)
        if listed.code != 0:
            raise ToolBrokeError(str(listed))
        return [_entry(line) for line in listed.stdout.split("\0") if line]

    def _write_contents(self, entries: Sequence[TreeEntry], file: Path) -> None:
        """Write the contents of entries into one file, as `cat-file --batch` does: a line, the bytes, a line break."""
        names = "".join(f"{entry.blob}\n" for entry in entries)
        completed = self._git("cat-file", "--batch", input_text=names, output=file)
        if completed.code != 0:
            raise ToolBrokeError(str(completed))

    def _git(self, *args: str, input_text: str | None = None, output: Path | None = None) -> processes.CompletedProcess:
        safe = ("-c", f"safe.directory={self._root}", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}")
        env = {**_UNTRUSTED, "PATH": os.environ.get("PATH", os.defpath)}
        command = ("git", "--no-pager", "-C", str(self._root), *safe, *args)
        return processes.run(*command, timeout=TIMEOUT, env=env, input_text=input_text, output=output, inherits_env=False)


def is_revision(text: str) -> bool:
    """Whether a text can name a revision: no option, no path, no range."""
    name = text.removesuffix(BRANCHED_OFF)
    return _REVISION.fullmatch(name) is not None and ".." not in name


def _fetch(name: str) -> str:
    branch = name.removeprefix("origin/")
    return f"Next: run `git fetch origin {branch}`; with actions/checkout, set fetch-depth: 0"


def _entry(line: str) -> TreeEntry:
    fields, _, name = line.partition("\t")
    mode, _kind, blob, size = fields.split()
    path = PurePosixPath(name)
    if "\N{REPLACEMENT CHARACTER}" in name:
        msg = f"the revision has a file name that is not UTF-8: {name!r}. Next: rename the file"
        raise UsageError(msg)
    if path.is_absolute() or str(path) != name or any(part in {"", ".", ".."} or part.lower() == ".git" for part in path.parts):
        msg = f"the revision has a path that cannot be written: {name!r}. Next: rename the file"
        raise UsageError(msg)
    return TreeEntry(mode, blob, int(size) if size.isdigit() else 0, path)


def _content(stream: IO[bytes], entry: TreeEntry) -> bytes:
    """Returns the next content of the file that `_write_contents` wrote.

    Raises:
        ToolBrokeError: it is missing, as in a partial clone.
    """
    header = stream.readline().split()
    if len(header) != 3 or header[0].decode() != entry.blob:
        msg = f"this clone lacks the content of {entry.path}. Next: run `git fetch --refetch`"
        raise ToolBrokeError(msg)
    content = stream.read(int(header[2]))
    stream.read(1)
    return content


def _write_file(path: Path, content: bytes, *, is_program: bool) -> None:
    """Write a file that does not exist yet; links are written after all files, so none leads elsewhere."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(content)
    path.chmod(0o755 if is_program else 0o644)


def _write_link(path: Path, target: str) -> None:
    if not path.parent.resolve().is_relative_to(path.parent):
        msg = f"the revision has a path below a symbolic link: {path.name}. Next: remove the link or the file"
        raise UsageError(msg)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def _remove_links_outside(folder: Path, links: Sequence[TreeEntry]) -> Iterator[str]:
    """Remove links that lead out of the folder, and yield their paths."""
    root = folder.resolve()
    resolved = {entry.path: _target(folder / entry.path) for entry in links}
    for path, target in resolved.items():
        if target is None or not target.is_relative_to(root):
            (folder / path).unlink()
            yield str(path)


def _target(link: Path) -> Path | None:
    try:
        return link.resolve()
    except (OSError, RuntimeError):  # a loop
        return None
