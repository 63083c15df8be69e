"""What the placeholders of a plan stand for in one run."""

from __future__ import annotations

import re
from collections.abc import Mapping

from preflight.plan.plan import Plan

ACCOUNT = "123456789012"
_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")
_OUTPUT = re.compile(r"\{output\.([A-Za-z0-9]+)\}")


def of(plan: Plan, *, run: str, account: str = ACCOUNT, is_shared: bool = False) -> dict[str, str]:
    """The value of each placeholder, by its name.

    In an account that `is_shared` with others the prefix of every name ends with the run's id.
    """
    return {
        "name": plan.name,
        "prefix": f"{plan.name}-{run}" if is_shared else plan.name,
        "run": run,
        "region": plan.region,
        "account": account,
        "bucket": f"{plan.name}-preflight-{run}",
        "templates": plan.name,
    }


def placeholders_in(text: str) -> list[str]:
    """Returns the names of the placeholders in a text."""
    return _PLACEHOLDER.findall(text)


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with every placeholder replaced by its value; unknown ones stay, as in the value of an output."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text)


def outputs_in(text: str) -> list[str]:
    """Returns the names of the outputs of earlier steps in a text: {output.NAME}."""
    return _OUTPUT.findall(text)


def with_outputs(text: str, outputs: Mapping[str, str]) -> str:
    """Returns `text` with every output of an earlier step replaced by its value."""
    return _OUTPUT.sub(lambda match: outputs[match.group(1)], text)
