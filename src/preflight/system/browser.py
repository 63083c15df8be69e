"""Takes pictures of pages on this machine with Chromium, which reaches nothing but the page.

The browser runs in a network namespace of its own that has only a loopback interface. In it, the address and port of
the page lead here, and from here to the page; every other address is refused. The browser keeps its sandbox, has
another user, an empty profile and none of our environment, and is killed with all its processes when time is up.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import tempfile
import threading
from pathlib import Path

from preflight.errors import ToolBrokeError
from preflight.system import processes

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
TOOLS = ("unshare", "setpriv")
INSIDE = Path(__file__).with_name("browser_namespace.py")
TIMEOUT, PATIENCE = 25.0, 6000  # seconds of a run; milliseconds until the picture, whatever still loads
MAX_BYTES, MAX_TRAFFIC, MAX_CONNECTIONS = 400_000, 32_000_000, 64
WIDTH, HEIGHT = 960, 540
OTHER_USER = 65534  # the one that owns no file
OPTIONS = (
    "--headless", "--incognito", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--mute-audio",
    "--no-first-run", "--no-default-browser-check", "--disable-extensions", "--disable-sync", "--disable-breakpad",
    "--disable-background-networking", "--disable-component-update", "--disk-cache-size=1", "--force-device-scale-factor=1",
)  # fmt: skip


class PictureTooLargeError(ToolBrokeError):
    """The picture of a page has more bytes than a report takes."""


def find() -> str | None:
    """Returns the path of Chromium, or None if it is not on PATH or nothing could keep it from the network."""
    has_tools = sys.platform == "linux" and all(map(processes.which, TOOLS))
    return next(filter(None, map(processes.which, PROGRAMS)), None) if has_tools else None


def picture(program: str, url: str, receiver: tuple[str, int]) -> bytes:
    """Returns a PNG file of the page at a URL, whose host is found at `receiver`.

    Raises:
        PictureTooLargeError: the picture is too large.
        ToolBrokeError: the browser did not start, or took too long.
    """
    with tempfile.TemporaryDirectory(prefix="preflight-browser-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if os.geteuid() == 0:
            os.chown(folder, OTHER_USER, OTHER_USER)
        with tempfile.TemporaryDirectory(prefix="preflight-page-") as private, _Gate(Path(private) / "gate", receiver) as gate:
            completed = processes.run(*_command(program, url, receiver, folder, gate), timeout=TIMEOUT, env=_environment(folder), inherits_env=False, tail=4000)
        shot = _read(folder / "page.png")
    if shot is None:
        msg = f"{program} took no picture of {url}: {completed}"
        raise ToolBrokeError(msg)
    return shot


def _command(program: str, url: str, receiver: tuple[str, int], folder: Path, gate: Path) -> tuple[str, ...]:
    address, port = receiver
    host = url.split("//", 1)[-1].split("/", 1)[0].rpartition("@")[2].partition(":")[0]
    names = () if host == address else (f"--host-resolver-rules=MAP {host} {address}",)
    secure = ("--ignore-certificate-errors",) if url.startswith("https:") else ()  # certificates of a rehearsal are its own
    browser = (program, *OPTIONS, *names, *secure, f"--user-data-dir={folder / 'profile'}", f"--timeout={PATIENCE}",
               f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={folder / 'page.png'}", url)  # fmt: skip
    spaces = ("--net", "--pid", "--fork", "--kill-child", "--mount-proc")
    inside = (sys.executable, "-I", str(INSIDE), address, str(port), str(gate))
    if os.geteuid() == 0:
        user = ("setpriv", f"--reuid={OTHER_USER}", f"--regid={OTHER_USER}", "--clear-groups", "--no-new-privs")
        return ("unshare", *spaces, *inside, *user, *browser)
    return ("unshare", "--user", "--map-root-user", *spaces, *inside, "unshare", "--user", f"--map-user={OTHER_USER}", f"--map-group={OTHER_USER}", *browser)


def _environment(folder: Path) -> dict[str, str]:
    return {"HOME": str(folder), "PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "TMPDIR": str(folder)}


def _read(path: Path) -> bytes | None:
    """Returns a PNG file that the browser wrote, or None; a link is not followed.

    Raises:
        PictureTooLargeError: it is.
    """
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            shot = file.read(MAX_BYTES + 1)
    except OSError:
        return None
    if len(shot) > MAX_BYTES:
        msg = f"its picture has more than {MAX_BYTES} bytes"
        raise PictureTooLargeError(msg)
    return shot if shot.startswith(b"\x89PNG\r\n\x1a\n") else None


class _Gate:
    """Accepts the connections of the browser's namespace, and leads each to one receiver.

    `browser_namespace` sends the listening socket of the namespace through the socket at `path`.
    """

    def __init__(self, path: Path, receiver: tuple[str, int]) -> None:
        self._path = path
        self._receiver = receiver
        self._left = MAX_TRAFFIC
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._sockets = contextlib.ExitStack()

    def __enter__(self) -> Path:
        server = self._sockets.enter_context(socket.socket(socket.AF_UNIX))
        server.bind(str(self._path))
        server.listen(1)
        threading.Thread(target=self._serve, args=(server,), daemon=True).start()
        return self._path

    def __exit__(self, *_: object) -> None:
        self._left = 0
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as last:
            last.connect(str(self._path))  # so that a thread that still waits ends
        self._sockets.close()

    def _serve(self, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            first, _ = server.accept()
            with first:
                _, descriptors, _, _ = socket.recv_fds(first, 1, 1)
            for listener in (socket.socket(fileno=descriptor) for descriptor in descriptors):
                self._accept(listener)

    def _accept(self, listener: socket.socket) -> None:
        with listener:
            listener.settimeout(0.2)
            while self._left > 0:
                with contextlib.suppress(TimeoutError):
                    connection, _ = listener.accept()
                    self._slots.acquire()
                    threading.Thread(target=self._lead, args=(connection,), daemon=True).start()

    def _lead(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError), socket.create_connection(self._receiver, timeout=TIMEOUT) as page:
            connection.settimeout(TIMEOUT)
            back = threading.Thread(target=self._pump, args=(page, connection), daemon=True)
            back.start()
            self._pump(connection, page)
            back.join(TIMEOUT)
        self._slots.release()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for data in iter(lambda: source.recv(65536), b""):
                self._left -= len(data)
                if self._left <= 0:
                    break
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
