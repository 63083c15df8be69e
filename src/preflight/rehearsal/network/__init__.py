"""Network namespaces, address translation and DNS for tasks."""
