"""The rules for people and programs: a list, one rule in full, JSON, and the page `docs/rules.md`.

`python -m preflight.comply.rule_docs > docs/rules.md` writes the page; a test holds it current.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator, Sequence

from preflight.comply import ruleset, waivers
from preflight.comply.rules import Rule
from preflight.errors import UsageError
from preflight.system import spelling

TITLES = {
    "fargate": "What AWS refuses, or what never starts",
    "security": "Security controls",
    "practice": "Good practice",
}
INTRODUCTION = """\
# Rules

This page is generated from the metadata beside the rules (`python -m preflight.comply.rule_docs > docs/rules.md`).
`preflight rules` prints the same at a terminal, `preflight rules RULE` one of them in full, `--format json` for programs.

## Tiers

| tier | severity | what |
| --- | --- | --- |
| `fargate` | error | AWS refuses the template, or its tasks never start. These cannot be waived. |
| `security` | error | security controls, of Security Hub, Control Tower and the like |
| `practice` | warning | good practice |

Rules in a folder of your own are errors, unless the folder is called `practice`.

## Two passes

Each template is checked against the rules as it is written, and once more as its stack would have it: parameters, conditions, mappings and functions applied, what parents pass carried into nested stacks.
A finding of the second pass names the stack, and points to the line of the source; what both passes find is said once.
With a plan its parameters are taken, without one the defaults; what has no value, is secret (`NoEcho`) or comes from SSM stays undecided.
Rules marked *Python* are checks over several templates, or of sums, which look at the resolved documents.

## Adopting

Begin with `preflight comply cfn/`, which needs no plan, and fix what is of tier fargate: it does not run as it is.
Then go through tier security: fix, or waive with a reason where the template is right as it is; switch a rule off in the plan where it is never right for you.
Practice is advice, and fails a run only with `--strict`.
Rules of your own are files `NAME.guard` in a folder that `--rules DIR` or the plan's `rules` names; a rule with the name of one of ours takes its place, except in tier `fargate`.
A `rules.yaml` beside them may say of each `title`, `why`, `types`, `controls`, `sources`, and `enabled: false` with `off_because`.
Look up what a `Ref` names with `Resources.%names`, where `names` holds texts only: `keys IN %names` compares by substring, and a name that is no text ends the run.

Left to cfn-lint, which says it of every template: that some container is essential (E3042), that names of containers differ (E3037), that a service is no DAEMON (E3044), and a role by `Ref` that would deploy (E1041).
Whether the parameters of a size take only values that can be right is asked by [CFN_PARAMETERS_CONSTRAINED](#cfn_parameters_constrained); the size that they give, by the second pass.

## Switching

A plan switches rules with `checks`:

```yaml
checks:
  ECS_SERVICE_MULTI_AZ: off           # not run
  LOGS_LOG_GROUP_KMS: on              # ships off
  ECR_TAG_IMMUTABLE: practice         # on, in another tier
```

An unknown rule is refused, with the most similar name.
What a plan switches off or replaces is in every report, and its number in the last line.
Tier `fargate` is no plan's to change, since AWS refuses what it forbids: a switch or a namesake is an error, and the rule stays on. Only the caller may allow it, by `--allow-rule-changes`.

## Waiving

In the template, on the resource, with a reason of at least {least} characters and, if you like, a last day:

```yaml
Metadata:
  guard:
    SuppressedRules: [ECS_SERVICE_NO_PUBLIC_IP]
    Reasons: {{ECS_SERVICE_NO_PUBLIC_IP: This is the public entry.}}
    Until: {{ECS_SERVICE_NO_PUBLIC_IP: "2027-01-31"}}
```

Parameters have no metadata: a rule about them is waived for all of them in `Metadata` of the template, in the same words, or for one of them in the plan.
A rule about resources is not waived there.

In the plan, for templates that you may not edit:

```yaml
waivers:
  - rule: ECS_SERVICE_NO_PUBLIC_IP
    resource: Service1                # logical id, or name of a parameter
    reason: This is the public entry.
    until: 2027-01-31                 # the last day; optional
    file: cfn/fa-018-fargate.yaml     # optional: only there
```

Every waiver is listed in every report. These findings are about waivers themselves:

| check | severity | when |
| --- | --- | --- |
"""


def listing(rules: Sequence[Rule]) -> str:
    """One line a rule: tier, severity, whether it is on, name, title and controls."""
    width = max((len(rule.name) for rule in rules), default=0)
    return "".join(f"{line.rstrip()}\n" for line in (_line(rule, width) for rule in rules))


def _line(rule: Rule, width: int) -> str:
    controls = f" [{', '.join(rule.entry.controls)}]" if rule.entry.controls else ""
    state = "on" if rule.is_on else "off"
    return f"{rule.tier:<8} {rule.severity.value:<7} {state:<3} {rule.name:<{width}}  {rule.entry.title}{controls}"


def one(rules: Sequence[Rule], name: str) -> str:
    """All that is known of one rule.

    Raises:
        UsageError: there is no such rule.
    """
    return "".join(f"{line}\n" for line in _full(named(rules, name)))


def named(rules: Sequence[Rule], name: str) -> Rule:
    """The rule of that name.

    Raises:
        UsageError: there is none.
    """
    for rule in rules:
        if rule.name == name.upper():
            return rule
    hint = spelling.nearest(name.upper(), [rule.name for rule in rules])
    msg = f"there is no rule {name!r}{hint} Next: `preflight rules` lists them"
    raise UsageError(msg)


def _full(rule: Rule) -> Iterator[str]:
    entry = rule.entry
    yield rule.name
    if entry.title:
        yield f"  {entry.title}"
    if entry.why:
        yield ""
        yield from textwrap.wrap(entry.why, 100, initial_indent="  ", subsequent_indent="  ")
    yield ""
    yield f"  tier      {rule.tier}"
    yield f"  severity  {rule.severity.value}"
    yield f"  state     {'on' if rule.is_on else f'off: {_off(rule)}'}"
    yield f"  waivable  {'with a reason' if rule.is_waivable else 'no: AWS refuses it, or nothing starts'}"
    yield f"  checked   {'in Python, over the resolved templates' if rule.is_python else f'by cfn-guard, {rule.file}'}"
    for label, values in (("types", entry.types), ("controls", entry.controls), ("sources", entry.sources)):
        for n, value in enumerate(values):
            yield f"  {label if n == 0 else '':<9} {value}"


def _off(rule: Rule) -> str:
    return rule.entry.off_because or "switched off"


def as_json(rules: Sequence[Rule]) -> str:
    """The rules as a JSON list."""
    return json.dumps([_row(rule) for rule in rules], indent=2) + "\n"


def _row(rule: Rule) -> dict[str, object]:
    entry = rule.entry
    return {
        "name": rule.name,
        "tier": rule.tier,
        "severity": rule.severity.value,
        "on": rule.is_on,
        "off_because": entry.off_because or None,
        "waivable": rule.is_waivable,
        "python": rule.is_python,
        "title": entry.title,
        "why": entry.why,
        "types": list(entry.types),
        "controls": list(entry.controls),
        "sources": list(entry.sources),
    }


def page(rules: Sequence[Rule]) -> str:
    """The page `docs/rules.md`."""
    return "\n".join(_page(rules)) + "\n"


def _page(rules: Sequence[Rule]) -> Iterator[str]:
    checks = "".join(f"| {name} | {severity.value} | {when} |\n" for name, (severity, when) in waivers.CHECKS.items())
    yield (INTRODUCTION.format(least=waivers.LEAST) + checks).rstrip("\n")
    for tier, title in TITLES.items():
        own = [rule for rule in rules if rule.tier == tier]
        if own:
            yield f"\n## {title} (`{tier}`)\n\n| rule | what | controls |\n| --- | --- | --- |"
            yield from map(_cells, own)
    off = [rule for rule in rules if not rule.is_on]
    if off:
        yield "\n## What ships off, and why\n\n| rule | why it is off |\n| --- | --- |"
        yield from (f"| {rule.name} | {_cell(_off(rule))} |" for rule in off)
    yield "\n## Why, and where it is said"
    for rule in rules:
        yield from _section(rule)


def _cells(rule: Rule) -> str:
    marks = "".join(mark for mark, is_set in ((" *(off)*", not rule.is_on), (" *(Python)*", rule.is_python)) if is_set)
    anchor = f"[{rule.name}](#{rule.name.lower()}){marks}"
    return f"| {anchor} | {_cell(rule.entry.title)} | {_cell(', '.join(rule.entry.controls))} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _section(rule: Rule) -> Iterator[str]:
    yield f"\n### {rule.name}\n\n{rule.entry.title}"
    if rule.entry.why:
        yield f"\n{rule.entry.why}"
    if rule.entry.types:
        yield f"\nLooks at {', '.join(f'`{kind}`' for kind in rule.entry.types)}."
    if rule.entry.sources:
        yield "\nSources: " + ", ".join(f"<{source}>" for source in rule.entry.sources) + "."


if __name__ == "__main__":
    sys.stdout.write(page(ruleset.chosen(()).every))
