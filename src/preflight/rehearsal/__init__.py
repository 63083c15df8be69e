"""The emulated account: what answers in place of AWS."""
