"""What cfn-lint says of its own rules, for reports that describe rules."""

from __future__ import annotations

import os
from collections.abc import Collection

from preflight.model import DescribedRule


def described(checks: Collection[str]) -> dict[str, DescribedRule]:
    """Returns what is known of cfn-lint's rules, by the names of checks; nothing of those that are no rules of it.

    It takes a second, so only a report that shows it asks. No `.cfnlintrc` is read.
    """
    if not checks:
        return {}
    from cfnlint.config import ConfigMixIn  # noqa: PLC0415 - slow to import, and only such a report needs it
    from cfnlint.runner import Runner  # noqa: PLC0415 - as above

    rules = Runner(ConfigMixIn([], include_checks=["I"], configure_rules={}, config_file=os.devnull)).rules
    by_check = {check: rules.get(check) for check in checks}
    return {
        check: DescribedRule(rule.shortdesc or check, rule.description or "", "cfn-lint", types=tuple(rule.tags), source=rule.source_url or None)
        for check, rule in by_check.items()
        if rule is not None
    }
