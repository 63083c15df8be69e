"""CloudFormation as AWS behaves: moto's own is not used."""
