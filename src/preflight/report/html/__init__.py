"""The report for people with a browser: one page that needs nothing but itself."""

from preflight.report.html.page import render

__all__ = ["render"]
