"""Load balancers that listen, route and check their targets."""
