"""Removes what killed runs left behind."""
