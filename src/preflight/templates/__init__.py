"""CloudFormation templates: reading, functions, parameters and schemas."""
