"""Many templates, and the command of cfn-guard alone on them with the rules that are on."""

from __future__ import annotations

from pathlib import Path

from preflight.comply import cfn_guard_binary, ruleset

ROOT = Path(__file__).parents[1]


def variations(folder: Path, count: int) -> None:
    """Templates that differ in every name, and in the values of some parameters."""
    sources = sorted((ROOT / "cfn").glob("*.yaml"))
    for number in range(count):
        source = sources[number % len(sources)]
        text = source.read_text().replace("fa-018", f"fa-{number:03d}").replace("10.0.", f"10.{number % 250}.")
        (folder / f"{number:03d}-{source.name}").write_text(text)


def bare(folder: Path) -> list[str]:
    """Returns the command of cfn-guard alone, with the rules that are on."""
    files = sorted({str(rule.file) for rule in ruleset.chosen(()).asked})
    options = ["--structured", "--output-format", "json", "--show-summary", "none"]
    return [str(cfn_guard_binary.find().path), "validate", *options, "--rules", *files, "--data", *map(str, sorted(folder.iterdir()))]
