"""The page of a large report: 200 templates, 2,000 findings and twelve services in three zones.

Prints how long it takes to render, how large it is and, with Chromium on PATH, how long it takes to open.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from preflight.report import html  # noqa: E402 - after the path of the tests
from tests.unit.report.regions import large  # noqa: E402 - a report of the tests

MOST_BYTES, MOST_SECONDS = 5_000_000, 2.0
MEASURE = "<script>addEventListener('load', () => requestAnimationFrame(() => document.title = 'opened in ' + Math.round(performance.now())))</script>"


def opening(page: str, folder: Path) -> float | None:
    """Returns the seconds from the start of the navigation to the first frame after the load event."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        return None
    measured = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page).replace("</body>", f"{MEASURE}</body>")
    (folder / "page.html").write_text(measured)
    options = ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}", "--timeout=20000", "--dump-dom")
    dumped = subprocess.run([program, *options, f"file://{folder / 'page.html'}"], capture_output=True, text=True, check=True, timeout=120)
    match = re.search(r"<title>opened in (\d+)</title>", dumped.stdout)
    return int(match[1]) / 1000 if match else float("inf")


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        report = large(folder)
        started = time.perf_counter()
        page = html.render(report)
        print(f"rendered in {time.perf_counter() - started:.2f} s")
        size = len(page.encode())
        print(f"{size / 1e6:.2f} MB (target at most {MOST_BYTES / 1e6:.0f})")
        seconds = opening(page, folder)
        print("not opened: Chromium is not on PATH" if seconds is None else f"opened in {seconds:.2f} s (target at most {MOST_SECONDS})")
    return 0 if size <= MOST_BYTES and (seconds or 0) <= MOST_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
