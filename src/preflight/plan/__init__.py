"""preflight.yaml, and the stacks it describes with their parameters resolved."""
