"""Processes, waiting, HTTP and run folders on this machine."""
