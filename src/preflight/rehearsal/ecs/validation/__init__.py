"""What Fargate decides, as pure functions: dicts in, records out."""
