"""Resource handlers: one file per AWS service, each through that service's API."""
