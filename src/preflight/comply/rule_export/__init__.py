"""The rules for engines of AWS's own that run Guard: Guard Hooks of CloudFormation, and custom policy rules of AWS Config."""
