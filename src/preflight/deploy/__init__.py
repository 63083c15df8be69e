"""The client side: whatever deploys, pushes, waits, finds and sweeps, the same for both targets."""
