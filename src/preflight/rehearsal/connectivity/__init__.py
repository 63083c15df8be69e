"""Which ports and names a task, a client or the internet can reach."""
