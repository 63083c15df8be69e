"""Runs the four stages in order, in one region or several."""
