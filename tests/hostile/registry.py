"""A registry on loopback that answers without end, or never: its ways are MODES."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import threading
from collections.abc import Iterator

PIECE = b"{" * (1 << 20)
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers everything as a registry does, but for what its server's `mode` names."""

    mode = ""
    closed = threading.Event()

    def do_GET(self) -> None:
        part = self._part()
        challenge = f'Bearer realm="http://{self.headers["Host"]}/token",service="x"'
        if part == "ping" and self.mode.startswith("token") and "Authorization" not in self.headers:
            self._send(b"{}", status=401, fields={"WWW-Authenticate": challenge})
        elif part == self.mode.partition(" ")[0]:
            self._send_without_end()
        elif part == "manifest":
            self._send(self._manifest(), fields={"Content-Type": MANIFEST})
        elif part == "configuration":
            self._send(CONFIGURATION)
        else:
            self._send(b"{}")

    do_HEAD = do_GET  # noqa: N815 - the name of the base class

    def _part(self) -> str:
        if self.path.startswith("/token"):
            return "token"
        if "/manifests/" in self.path:
            return "manifest"
        if "/blobs/" in self.path:
            return "configuration" if self.path.endswith(_digest(CONFIGURATION)) else "layer"
        return "ping"

    def _manifest(self) -> bytes:
        parts = {"config": (CONFIGURATION, "config.v1+json"), "layer": (b"x", "layer.v1.tar")}
        described = {
            name: {"mediaType": f"application/vnd.oci.image.{kind}", "digest": _digest(data), "size": len(data)}
            for name, (data, kind) in parts.items()
        }
        return json.dumps(
            {"schemaVersion": 2, "mediaType": MANIFEST, "config": described["config"], "layers": [described["layer"]]}
        ).encode()

    def _send(self, body: bytes, *, status: int = 200, fields: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(fields or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body if self.command == "GET" else b"")

    def _send_without_end(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", MANIFEST)
        self.end_headers()
        is_slow = self.mode.endswith("slowly")
        with contextlib.suppress(OSError):
            while not self.closed.wait(0.3 if is_slow else 0):
                self.wfile.write(b"{" if is_slow else PIECE)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        pass


CONFIGURATION = json.dumps(
    {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [_digest(b"x")]}}
).encode()


@contextlib.contextmanager
def serving(mode: str) -> Iterator[str]:
    """Yields host and port of a registry that answers what `mode` names without end."""
    answers = type("Mode", (Answers,), {"mode": mode, "closed": threading.Event()})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), answers) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        answers.closed.set()  # type: ignore[attr-defined]
        server.shutdown()
