"""The comply stage: templates checked against cfn-guard rules and rules in Python."""
