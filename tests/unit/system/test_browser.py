"""Pictures of pages: the browser reaches the page and nothing else, whatever the page tries."""

from __future__ import annotations

import http.server
import socket
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from preflight.errors import ToolBrokeError
from preflight.pipeline import screenshots
from preflight.system import browser, processes
from preflight.system.processes import CompletedProcess

PAGE, ELSEWHERE = ("127.80.1.2", 8123), ("127.80.1.3", 8123)
URL = "http://127.80.1.2:8123"
GREEN, RED = (0, 128, 0), (255, 0, 0)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with the page of a path, and keeps what was asked for."""

    pages = {  # noqa: RUF012 - pages of this module
        "/": "<body style='background:green'>",
        "/slow": "<body style='background:green'>",
        "/elsewhere": "<body style='background:green'><script>fetch('http://127.80.1.3:8123/secret').then(() => document.body.style.background = 'red')</script>",
        "/file": "<body style='background:green'><iframe src='file:///etc/passwd'></iframe>",
        "/noise": "<canvas width=1280 height=800></canvas><script>const c = document.querySelector('canvas').getContext('2d'), d = c.createImageData(1280, 800); for (let i = 0; i < d.data.length; i++) d.data[i] = Math.random() * 255; c.putImageData(d, 0, 0)</script>",
    }
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.pages.get(self.path, "").encode())
        if self.path == "/slow":
            self.wfile.flush()
            time.sleep(15)  # noqa: TID251 - the page is slow

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def asked() -> Iterator[dict[tuple[str, int], list[str]]]:
    """The paths that were asked for, of the page and of another address of this machine."""
    paths: dict[tuple[str, int], list[str]] = {PAGE: [], ELSEWHERE: []}
    servers = [http.server.ThreadingHTTPServer(at, type("H", (Handler,), {"asked": own})) for at, own in paths.items()]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield paths
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def chromium() -> str:
    program = browser.find()
    if program is None:
        pytest.skip("Chromium is not on PATH. Next: apt-get install chromium")
    return program


def colour(png: bytes) -> tuple[int, ...]:
    """The colour of the last pixel of the first row of a PNG file: its filters only look to the left there."""
    width, depth = struct.unpack(">I", png[16:20])[0], 4 if png[25] == 6 else 3
    data, at = b"", 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        data += png[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += 12 + length
    row = zlib.decompress(data)[: 1 + width * depth]
    pixel = [0] * depth
    for n in range(width):
        raw = row[1 + n * depth : 1 + (n + 1) * depth]
        pixel = [(value + (before if row[0] in {1, 4} else before // 2 if row[0] == 3 else 0)) % 256 for value, before in zip(raw, pixel, strict=True)]
    return tuple(pixel[:3])


@pytest.mark.page
@pytest.mark.parametrize(
    ("url", "path"),
    [
        pytest.param(f"{URL}/", "/", id="by its address"),
        pytest.param("http://front-1.ap-northeast-1.elb.amazonaws.com:8123/", "/", id="by a name that DNS does not know"),
        pytest.param(f"{URL}/slow", "/slow", id="that never ends"),
    ],
)
def test_a_page_has_a_picture(chromium: str, asked: dict[tuple[str, int], list[str]], url: str, path: str) -> None:
    assert colour(browser.picture(chromium, url, PAGE)) == GREEN
    assert path in asked[PAGE]


@pytest.mark.page
@pytest.mark.parametrize("path", ["/elsewhere", "/file"])
def test_a_page_reaches_nothing_else(chromium: str, asked: dict[tuple[str, int], list[str]], path: str) -> None:
    assert colour(browser.picture(chromium, f"{URL}{path}", PAGE)) == GREEN
    assert asked[ELSEWHERE] == []


@pytest.mark.page
def test_a_picture_that_is_too_large_is_none(chromium: str, asked: dict[tuple[str, int], list[str]]) -> None:
    with pytest.raises(ToolBrokeError, match="more than 400000 bytes"):
        browser.picture(chromium, f"{URL}/noise", PAGE)


@pytest.mark.page
def test_nothing_of_the_browser_is_left(chromium: str, asked: dict[tuple[str, int], list[str]]) -> None:
    browser.picture(chromium, f"{URL}/", PAGE)

    assert processes.kill_all("preflight-browser-") == 0


def test_the_browser_keeps_its_sandbox_and_none_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    run = mock.Mock(return_value=CompletedProcess(("unshare",), 1, "", "no"))
    monkeypatch.setattr(processes, "run", run)

    with pytest.raises(ToolBrokeError, match="took no picture"):
        browser.picture("chromium", f"{URL}/", PAGE)

    assert "--no-sandbox" not in run.call_args.args
    assert "--net" in run.call_args.args
    assert run.call_args.kwargs["inherits_env"] is False
    assert "secret" not in run.call_args.kwargs["env"].values()


def test_a_link_in_place_of_a_picture_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(b"\x89PNG\r\n\x1a\nsecret")
    (tmp_path / "page.png").symlink_to(tmp_path / "secret.png")

    assert browser._read(tmp_path / "page.png") is None


def test_a_file_that_is_no_picture_is_none(tmp_path: Path) -> None:
    (tmp_path / "page.png").write_text("<script>")

    assert browser._read(tmp_path / "page.png") is None


def test_the_gate_leads_to_its_receiver_only(tmp_path: Path, asked: dict[tuple[str, int], list[str]]) -> None:
    with browser._Gate(tmp_path / "gate", PAGE) as gate, socket.socket() as listener, socket.socket(socket.AF_UNIX) as outside:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        outside.connect(str(gate))
        socket.send_fds(outside, [b"."], [listener.fileno()])
        with socket.create_connection(listener.getsockname()) as client:
            client.sendall(b"GET /x HTTP/1.0\r\nHost: elsewhere\r\n\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.0 200")

    assert asked[PAGE] == ["/x"]


def test_without_chromium_there_is_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "find", lambda: None)
    notes: list[str] = []

    assert screenshots.take({URL: PAGE}, notes.append) == {}
    assert notes == []


def test_a_browser_that_fails_is_a_note_and_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    failing = mock.Mock(side_effect=ToolBrokeError("No usable sandbox!"))
    monkeypatch.setattr(browser, "find", lambda: "chromium")
    monkeypatch.setattr(browser, "picture", failing)
    notes: list[str] = []

    assert screenshots.take({"http://127.0.0.1/a": PAGE, "http://127.0.0.1/b": PAGE}, notes.append) == {}
    assert notes == ["the page shows no picture of http://127.0.0.1/a: No usable sandbox!"]
    assert failing.call_count == 1


def test_pictures_of_a_run_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "find", lambda: "chromium")
    monkeypatch.setattr(browser, "picture", lambda *_: b"x" * 400_000)

    shots = screenshots.take({f"http://127.0.0.1/{n}": PAGE for n in range(20)}, lambda _: None)

    assert len(shots) == 5
