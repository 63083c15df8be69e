"""Two servers over one moto: ours, and the bare one, each in a region of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from preflight.rehearsal import server

Client = Callable[[str], Any]


class Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - the name is werkzeug's
        pass


def clients(endpoint: str, region: str) -> Client:
    def make(service: str) -> Any:
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=endpoint,
            aws_access_key_id="rehearsal",
            aws_secret_access_key="rehearsal",  # noqa: S106 - opens nothing
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    return make


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with server.running(folder=tmp_path_factory.mktemp("account")) as running:
        yield clients(running.address, "ap-northeast-1")


@pytest.fixture(scope="module")
def bare(ours: Client) -> Iterator[Client]:
    """moto's own server; it shares moto's memory with ours, and is asked in another region."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    application = DomainDispatcherApplication(create_backend_app)

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        try:
            return application(environ, start_response)
        except Exception:  # noqa: BLE001 - a server in front would show a page with status 500
            start_response("500 INTERNAL SERVER ERROR", [("Content-Type", "text/html")])
            return [b"<!doctype html>"]

    http = make_server("127.0.0.1", 0, answer, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield clients(f"http://127.0.0.1:{http.server_port}", "eu-west-1")
    http.shutdown()
    thread.join()
    http.server_close()
