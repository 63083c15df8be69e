"""One module for each command of `preflight`."""
