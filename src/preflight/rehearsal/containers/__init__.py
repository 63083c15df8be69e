"""The containers of a task on this machine."""
