"""Reports: one renderer a file, each a pure function from report to text."""
