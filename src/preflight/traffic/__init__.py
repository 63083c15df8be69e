"""Requests while an update runs: what users see of it, and why."""
