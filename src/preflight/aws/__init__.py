"""How AWS decides, in pure functions that both sides use."""
