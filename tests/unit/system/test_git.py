"""A revision is read without a checkout: nothing of the repository runs, and nothing lies outside the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.errors import ToolBrokeError, UsageError
from preflight.system import folders, git, processes
from preflight.system.git import Repository


class Author:
    """Someone who commits to a repository."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self("init", "-q", "-b", "main", ".")

    def __call__(self, *args: str, input_text: str | None = None) -> str:
        name = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
        done = processes.run("git", *name, *args, timeout=20, cwd=self.root, input_text=input_text)
        assert done.code == 0, str(done)
        return done.stdout.strip()

    def commit(self, **files: str) -> str:
        for name, text in files.items():
            (self.root / name).write_text(text)
        self("add", "-A")
        self("commit", "-q", "--allow-empty", "-m", "a change")
        return self("rev-parse", "HEAD")


@pytest.fixture
def author(tmp_path: Path) -> Author:
    (tmp_path / "repository").mkdir()
    return Author(tmp_path / "repository")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    return tmp_path / "files"


def test_a_revision_is_written_as_it_was(author: Author, target: Path) -> None:
    (author.root / "bin").mkdir()
    (author.root / "bin" / "run").write_bytes(b"#!\0\xff\n")
    (author.root / "bin" / "run").chmod(0o755)
    (author.root / "link").symlink_to("bin/run")
    commit = author.commit(page="old\n")
    author.commit(page="new\n")
    repository = Repository(author.root)

    left_out = repository.write(repository.commit("HEAD~1"), target)

    assert repository.commit("HEAD~1") == commit
    assert (target / "page").read_text() == "old\n"
    assert (target / "link").read_bytes() == b"#!\0\xff\n"
    assert (target / "bin" / "run").stat().st_mode & 0o111
    assert left_out == []


def test_three_dots_are_where_head_branched_off(author: Author) -> None:
    base = author.commit(page="base")
    author("checkout", "-q", "-b", "topic")
    author.commit(page="topic")
    author("checkout", "-q", "main")
    author.commit(page="main")
    author("checkout", "-q", "topic")

    assert Repository(author.root).commit("main...") == base


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("--output=x", id="an option"),
        pytest.param("HEAD:page", id="a file of a revision"),
        pytest.param("HEAD\nHEAD", id="two lines"),
        pytest.param("a..b", id="a range"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_no_revision_is_not_given_to_git(author: Author, name: str) -> None:
    author.commit(page="x")

    with pytest.raises(UsageError, match="not the name of a git revision"):
        Repository(author.root).commit(name)


def test_a_revision_that_is_not_here_names_the_command_that_fetches_it(author: Author) -> None:
    author.commit(page="x")

    with pytest.raises(UsageError, match=r"git fetch origin main.*fetch-depth: 0"):
        Repository(author.root).commit("origin/main")


def test_no_filter_of_the_repository_runs(author: Author, target: Path, tmp_path: Path) -> None:
    author("config", "filter.evil.smudge", f"touch {tmp_path}/ran; cat")
    author("config", "core.fsmonitor", f"touch {tmp_path}/ran")
    commit = author.commit(**{".gitattributes": "* filter=evil", "page": "x"})
    (tmp_path / "ran").unlink(missing_ok=True)

    Repository(author.root).write(commit, target)

    assert (target / "page").read_text() == "x"
    assert not (tmp_path / "ran").exists()


def test_links_that_lead_out_and_submodules_are_left_out(author: Author, target: Path) -> None:
    first = author.commit(page="x")
    (author.root / "out").symlink_to("/etc/passwd")
    (author.root / "up").symlink_to("../..")
    (author.root / "loop").symlink_to("loop")
    author("update-index", "--add", "--cacheinfo", f"160000,{first},module")
    author("add", "out", "up", "loop")
    author("commit", "-q", "-m", "links")
    repository = Repository(author.root)

    left_out = repository.write(repository.commit("HEAD"), target)

    assert sorted(left_out) == ["loop", "module", "out", "up"]
    assert [path.name for path in target.iterdir()] == ["page"]


def test_a_missing_object_is_not_fetched_by_a_program_of_the_repository(author: Author, target: Path, tmp_path: Path) -> None:
    commit = author.commit(page="x")
    blob = author("rev-parse", "HEAD:page")
    (author.root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    author("config", "remote.origin.url", f"ext::sh -c touch% {tmp_path}/ran")
    author("config", "remote.origin.promisor", "true")
    author("config", "extensions.partialClone", "origin")
    author("config", "protocol.ext.allow", "always")

    with pytest.raises(ToolBrokeError):
        Repository(author.root).write(commit, target)

    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["..", ".git/hooks", ".GIT"])
def test_a_path_that_is_none_is_refused(author: Author, target: Path, name: str) -> None:
    author.commit(page="x")
    blob = author("rev-parse", "HEAD:page")
    tree = author("mktree", input_text=f"100644 blob {blob}\t{name.partition('/')[0]}\n")
    commit = author("commit-tree", tree, "-m", "a crafted tree")

    with pytest.raises(UsageError, match="cannot be written"):
        Repository(author.root).write(commit, target)


def test_links_are_kept_in_a_folder_that_is_reached_by_a_link(author: Author, target: Path, tmp_path: Path) -> None:
    (author.root / "link").symlink_to("page")
    commit = author.commit(page="x")
    (tmp_path / "short").symlink_to(target)

    assert Repository(author.root).write(commit, tmp_path / "short") == []


def test_a_name_that_is_not_utf_8_is_refused(author: Author, target: Path) -> None:
    (author.root / "caf\udce9").write_text("x")
    commit = author.commit(page="x")

    with pytest.raises(UsageError, match="not UTF-8"):
        Repository(author.root).write(commit, target)


def test_folders_are_the_same_if_their_files_are(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "page").write_text("x")

    assert folders.are_same(tmp_path / "a", tmp_path / "b")
    (tmp_path / "b" / "page").write_text("y")
    assert not folders.are_same(tmp_path / "a", tmp_path / "b")


def test_only_names_are_revisions() -> None:
    assert git.is_revision("origin/main...")
    assert not git.is_revision("./folder")
    assert not git.is_revision("/folder")
