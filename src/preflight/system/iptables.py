"""Rules of iptables in a network namespace, all of them in one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from preflight.system import processes
from preflight.system.processes import CompletedProcess


def add(namespace: Path, tables: Mapping[str, Sequence[str]]) -> CompletedProcess:
    """Add rules, by table; a rule that begins with a colon creates a chain, or empties it. Either all are there, or none.

    https://man7.org/linux/man-pages/man8/iptables-restore.8.html

    Raises:
        ToolMissingError: there is no iptables.
        ToolBrokeError: it did not end.
    """
    text = "".join("\n".join((f"*{table}", *rules, "COMMIT", "")) for table, rules in tables.items())
    command = ("iptables-restore", "--wait", "5", "--noflush")
    return processes.run("nsenter", f"--net={namespace}", *command, timeout=20, input_text=text)
