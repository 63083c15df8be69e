"""A plan for a folder of templates, as `preflight init` writes it."""
