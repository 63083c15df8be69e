"""The targets of a deployment: the emulated account or a real one."""
