"""A second opinion on what AWS refuses: cloudformation-validate with the rules of cdk-preflight, beside our tables.

It looks at pairs of templates: a folder of JSON files, each with a template that AWS refuses (`refused`) and one that it
takes (`accepted`). The figures of ADR 19 come from here. This installs nothing; the two of them are not dependencies:

    pip install cloudformation-validate==1.14.0
    npm pack cdk-preflight@0.0.143 && tar xzf cdk-preflight-0.0.143.tgz
    node -e 'const r = require("./package/lib/rules.generated.js");
        console.log(JSON.stringify({libs: r.BUNDLED_LIBS, rules: r.BUNDLED_RULES}))' > rules.json

Exit code 2 says that one of them is not here.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from preflight.aws.refusals import catalog

ENGINE = "cloudformation_validate"
REFUSING = {"ERROR", "FATAL"}
Judge = Callable[[dict[str, Any]], bool]


def by_tables(template: dict[str, Any]) -> bool:
    """Whether a table of ours refuses properties of a template, as far as they are known."""
    return any(
        True
        for definition in template.get("Resources", {}).values()
        if isinstance(definition.get("Properties"), dict)
        for _ in catalog.of_resource(str(definition.get("Type")), definition["Properties"])
    )


def second_opinion(rules: Path) -> Judge:
    """Returns what asks the other engine, with its own rules and those of a file."""
    engine = importlib.import_module(ENGINE)
    read = json.loads(rules.read_text())
    named = [(lib["name"], lib["rego"]) for lib in read["libs"]] + [(f"{r['id']}.rego", r["rego"]) for r in read["rules"]]
    sources = [engine.ExternalRuleSource(name=name, content=content) for name, content in named]
    composite = engine.CompositeEngine(engine.CompositeEngineConfig(rego_rules=sources))

    def judge(template: dict[str, Any]) -> bool:
        report = composite.validate_template(json.dumps(template).encode(), engine.ValidateConfig())
        return any(diagnostic.severity.name in REFUSING for diagnostic in report.diagnostics)

    return judge


def count(name: str, judge: Judge, pairs: dict[str, dict[str, Any]]) -> set[str]:
    """Print what a judge refuses of the pairs, and return the refusals that it finds."""
    started = time.perf_counter()
    found = {key for key, pair in pairs.items() if judge(pair["refused"])}
    wrong = sorted(key for key, pair in pairs.items() if judge(pair["accepted"]))
    seconds = (time.perf_counter() - started) / (2 * len(pairs))
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name}: {len(found)} of {len(pairs)} refusals found, {len(wrong)} accepted templates refused {wrong}")
    print(f"{name}: {seconds:.3f} s a template, {megabytes:.0f} MB in all by then")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path, help="folder of pairs, searched with its subfolders")
    parser.add_argument("--rules", type=Path, default=Path("rules.json"), help="the rules of cdk-preflight as JSON")
    options = parser.parse_args()
    if importlib.util.find_spec(ENGINE) is None or not options.rules.is_file():
        print(f"{ENGINE} or {options.rules} is not here. Next: install them as --help says", file=sys.stderr)
        return 2
    pairs = {path.stem: json.loads(path.read_text()) for path in sorted(options.pairs.rglob("*.json"))}
    if not pairs:
        print(f"{options.pairs}: there are no pairs. Next: name a folder of JSON files with `refused` and `accepted`", file=sys.stderr)
        return 2
    ours = count("tables", by_tables, pairs)
    started = time.perf_counter()
    judge = second_opinion(options.rules)
    print(f"{ENGINE}: rules loaded in {time.perf_counter() - started:.1f} s")
    theirs = count(ENGINE, judge, pairs)
    print(f"found by the other alone: {sorted(theirs - ours)}")
    print(f"found by the tables alone: {sorted(ours - theirs)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
