"""Reports: one renderer a file, each a pure function from report to text."""

# The formats of a report, and what the names of their files end with.
FORMATS = {"text": "txt", "json": "json", "junit": "xml", "sarif": "sarif", "html": "html", "github": "github.txt", "markdown": "md"}
