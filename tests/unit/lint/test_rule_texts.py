from __future__ import annotations

from preflight.lint import rule_texts


def test_a_rule_of_cfn_lint_has_its_title_reason_and_page() -> None:
    rule = rule_texts.described({"E3012"})["E3012"]

    assert rule.title == "Check resource properties values"
    assert rule.why.startswith("Checks resource property values")
    assert str(rule.source).startswith("https://github.com/aws-cloudformation/cfn-lint")


def test_a_check_that_is_no_rule_of_cfn_lint_is_left_out() -> None:
    assert rule_texts.described({"TemplateUnreadable"}) == {}
