"""The lint stage: cfn-lint in processes of its own."""
