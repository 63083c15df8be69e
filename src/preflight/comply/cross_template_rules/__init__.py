"""Checks over several templates, or of sums: what the language of cfn-guard cannot say. Pure; one check a file."""
