"""The page in Chromium: its script and style work under its policy, it fits a phone, and hostile texts stay texts.

PREFLIGHT_SCREENSHOTS names a folder that keeps the pictures of the page.
"""

from __future__ import annotations

import dataclasses
import html as escaping
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from preflight.model import Outcome, Report, StageResult
from preflight.report import html
from preflight.system import browser, processes
from tests.unit.report.regions import REGIONS

pytestmark = pytest.mark.page
Open = Callable[..., str]
DARK = ("--blink-settings=preferredColorScheme=0",)


@pytest.fixture
def chromium(tmp_path: Path) -> Callable[..., str]:
    """Runs Chromium without a network on a page, and returns what it prints."""
    program = browser.find()
    if program is None:
        pytest.skip("Chromium is not on PATH. Next: apt-get install chromium")

    def run(page: str, *options: str) -> str:
        (tmp_path / "page.html").write_text(page)
        own = ("unshare", "--map-root-user", "--net", program, "--headless", "--disable-gpu", "--hide-scrollbars", "--no-sandbox")
        done = processes.run(*own, f"--user-data-dir={tmp_path / 'profile'}", *options, f"file://{tmp_path / 'page.html'}", timeout=90)
        assert done.code == 0, done
        return done.stdout

    return run


@pytest.fixture
def page(report: Report) -> str:
    deployment = dataclasses.replace(report.deployment, regions=(REGIONS["three zones"],))
    return html.render(dataclasses.replace(report, deployment=deployment))


def driven(page: str, script: str) -> str:
    """The page without its policy, and with a script that acts as its user, and says something in the title."""
    free = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    return free.replace("</body>", f"<script>{script}</script></body>")


def framed(page: str, script: str = "") -> str:
    """The page as wide as a phone: a window of Chromium is at least 500 wide."""
    frame = f'<iframe srcdoc="{escaping.escape(page)}" style="width: 390px; height: 2400px; border: 0"></iframe>'
    return f"<!DOCTYPE html><title></title><body style='margin: 0'>{frame}<script>addEventListener('load', () => {{ {script} }})</script>"


def title(dom: str) -> str:
    match = re.search(r"<title>([^<]*)</title>", dom)
    return match[1] if match else ""


def test_the_script_runs_under_the_policy_of_the_page(page: str, chromium: Open) -> None:
    assert '<form class="filters" hidden' in page
    assert '<form class="filters">' in chromium(page, "--dump-dom")


def test_findings_are_filtered_by_severity(page: str, chromium: Open) -> None:
    dom = chromium(driven(page, "document.querySelector('input[value=error]').click()"), "--dump-dom")

    assert re.findall(r'<article class="(\w+)"[^>]* hidden', dom) == ["error"]
    assert "2 of 3 shown" in dom


def test_findings_are_filtered_by_file(page: str, chromium: Open) -> None:
    choose = "const f = document.querySelector('select'); f.selectedIndex = 1; f.dispatchEvent(new Event('input', {bubbles: true}))"
    dom = chromium(driven(page, choose), "--dump-dom")

    assert len(re.findall(r'<article class="\w+"[^>]* hidden', dom)) == 2


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("<script>document.title = 'owned'</script>", id="script"),
        pytest.param("<img src=x onerror=\"document.title = 'owned'\">", id="handler"),
        pytest.param("\"><svg onload=\"document.title = 'owned'\">", id="out of an attribute"),
        pytest.param("]]></style></title><script>document.title = 'owned'</script>", id="out of style and title"),
        pytest.param("javascript:document.title='owned'", id="address"),
        pytest.param("{{ cycler.__init__.__globals__ }}{% raw %}", id="template"),
    ],
)
def test_hostile_texts_do_nothing(report: Report, chromium: Open, text: str) -> None:
    finding = dataclasses.replace(report.findings[0], message=text, resource=text, file=text, source=text, check=text)
    service = dataclasses.replace(REGIONS["three zones"].services[0], name=text, task_role=text)
    region = dataclasses.replace(REGIONS["three zones"], name=text, services=(service,))
    stage = StageResult("comply", Outcome.FAIL, findings=(finding,))
    deployment = dataclasses.replace(report.deployment, regions=(region,))

    dom = chromium(html.render(dataclasses.replace(report, stages=(stage,), deployment=deployment, plan="p")), "--dump-dom")

    assert title(dom) == "fail · p"
    assert dom.count("<script") == 1


def test_nothing_is_wider_than_the_window(page: str, chromium: Open) -> None:
    script = "document.title = document.documentElement.scrollWidth - innerWidth + ' ' + innerWidth"

    assert title(chromium(driven(page, script), "--window-size=1280,900", "--dump-dom")) == "0 1280"


def test_nothing_is_wider_than_a_phone(page: str, chromium: Open, tmp_path: Path) -> None:
    folder = Path(os.environ.get("PREFLIGHT_SCREENSHOTS", tmp_path))
    chromium(framed(page), "--window-size=500,2400", f"--screenshot={folder / 'phone.png'}")

    script = "const d = document.querySelector('iframe').contentDocument.documentElement; document.title = d.scrollWidth + ' ' + d.clientWidth"
    assert title(chromium(framed(page, script), "--dump-dom")) == "390 390"


@pytest.mark.parametrize(
    ("name", "options", "background"),
    [
        pytest.param("desktop", ("--window-size=1280,2400",), "rgb(246, 246, 243)", id="light"),
        pytest.param("dark", ("--window-size=1280,2400", *DARK), "rgb(21, 24, 28)", id="dark"),
    ],
)
def test_the_style_is_that_of_the_reader(page: str, chromium: Open, tmp_path: Path, name: str, options: tuple[str, ...], background: str) -> None:
    folder = Path(os.environ.get("PREFLIGHT_SCREENSHOTS", tmp_path))
    chromium(page, *options, f"--screenshot={folder / f'{name}.png'}")

    script = "document.title = getComputedStyle(document.body).backgroundColor"
    assert title(chromium(driven(page, script), *options, "--dump-dom")) == background
    assert (folder / f"{name}.png").stat().st_size > 20_000


def test_the_page_prints(page: str, chromium: Open, tmp_path: Path) -> None:
    folder = Path(os.environ.get("PREFLIGHT_SCREENSHOTS", tmp_path))
    chromium(page, "--no-pdf-header-footer", f"--print-to-pdf={folder / 'print.pdf'}")

    assert (folder / "print.pdf").read_bytes().startswith(b"%PDF")


def test_no_two_texts_of_the_picture_overlap(page: str, chromium: Open) -> None:
    """As Chromium measures them, not as the picture was computed."""
    script = """
    const boxes = [...document.querySelectorAll('svg.architecture text')].map((t) => [t.textContent, t.getBoundingClientRect()]);
    const clash = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 4 && b.top < a.bottom - 4;
    const found = boxes.flatMap(([text, a], n) => boxes.slice(n + 1).filter(([, b]) => clash(a, b)).map(([other]) => text + ' / ' + other));
    document.title = found.length + ' ' + found.slice(0, 3).join('; ');
    """

    assert title(chromium(driven(page, script), "--window-size=1280,2400", "--dump-dom")) == "0 "


@pytest.mark.parametrize("region", list(REGIONS), ids=list(REGIONS))
def test_texts_stay_in_their_cards(report: Report, chromium: Open, region: str) -> None:
    deployment = dataclasses.replace(report.deployment, regions=(REGIONS[region],))
    script = """
    const out = [...document.querySelectorAll('svg.architecture g')].flatMap((g) => {
      const box = g.querySelector('rect').getBoundingClientRect();
      return [...g.querySelectorAll('text')].filter((t) => { const r = t.getBoundingClientRect(); return r.left < box.left - 1 || r.right > box.right + 1; });
    });
    document.title = out.length + ' ' + out.slice(0, 3).map((t) => t.textContent).join('; ');
    """
    page = html.render(dataclasses.replace(report, deployment=deployment))

    assert title(chromium(driven(page, script), "--window-size=1280,2400", "--dump-dom")) == "0 "
