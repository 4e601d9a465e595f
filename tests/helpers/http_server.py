"""A misbehaving HTTP server on loopback, for the tests of fetch."""

import contextlib
import http.server
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Request:
    """What a client asked for, and how many bytes of body it was sent."""

    path: str
    headers: dict[str, str]
    sent: int = 0


class Handler(http.server.BaseHTTPRequestHandler):
    """Hands each request to the behaviour of its path."""

    protocol_version = "HTTP/1.1"
    request_seen: Request
    answered = 0  # requests of this connection before this one

    def setup(self) -> None:
        self.server.owner.connections += 1  # type: ignore[attr-defined]
        super().setup()

    def do_GET(self) -> None:
        owner: Server = self.server.owner  # type: ignore[attr-defined]
        self.close_connection = not owner.keep
        self.request_seen = Request(self.path, {k.lower(): v for k, v in self.headers.items()})
        owner.requests.append(self.request_seen)
        with contextlib.suppress(OSError):
            owner.routes.get(self.path, status(404))(self)
        self.answered += 1

    def head(self, code: int, **headers: object) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.flush()

    def send(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()
        self.request_seen.sent += len(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


Behaviour = Callable[[Handler], None]


@dataclass
class Server:
    """The server: `routes` from path to behaviour, `requests` that came in.

    `keep`: leave connections open for further requests; `connections` counts them.
    """

    url: str
    routes: dict[str, Behaviour] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    keep: bool = False
    connections: int = 0

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.requests]


@contextlib.contextmanager
def running(certificate: Path | None = None) -> Iterator[Server]:
    """Run a server on a free port; with a certificate (PEM with its key), by TLS."""
    inner = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    inner.daemon_threads = True
    scheme = "http"
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        inner.socket = context.wrap_socket(inner.socket, server_side=True)
        scheme = "https"
    inner.handle_error = lambda *_: None  # type: ignore[method-assign]
    server = Server(f"{scheme}://127.0.0.1:{inner.server_address[1]}")
    inner.owner = server  # type: ignore[attr-defined]
    thread = threading.Thread(target=inner.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        inner.shutdown()
        inner.server_close()
        thread.join()


def body(data: bytes, etag: str = '"1"', rate: int = 0, cut: int = 0) -> Behaviour:
    """Serve `data` with ranges, `rate` bytes a second; the first answer breaks after `cut`."""
    cuts = [cut] if cut else []

    def behave(handler: Handler) -> None:
        first = 0
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        headers: dict[str, object] = {"ETag": etag} if etag else {}
        if asked and handler.headers.get("If-Range", etag) == etag:
            first = int(asked[1])
            headers["Content_Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
        handler.head(206 if first else 200, Content_Length=len(data) - first, **headers)
        last = cuts.pop() if cuts else len(data)
        step = max(1, rate // 50) if rate else 1 << 16
        for start in range(first, last, step):
            handler.send(data[start : min(start + step, last)])
            if rate:
                time.sleep(step / rate)

    return behave


def status(
    code: int, times: int = 1 << 30, then: Behaviour | None = None, **headers: object
) -> Behaviour:
    """Answer with a status `times` times, then behave otherwise."""
    left = [times]

    def behave(handler: Handler) -> None:
        left[0] -= 1
        if left[0] < 0 and then:
            then(handler)
        else:
            handler.head(code, Content_Length=0, **headers)

    return behave


def redirect(target: str) -> Behaviour:
    """Redirect to another URL."""
    return status(302, Location=target)


def raw(data: bytes, pause: float = 0, step: int = 1) -> Behaviour:
    """Send raw bytes as the whole answer, `step` at a time with `pause` seconds between."""

    def behave(handler: Handler) -> None:
        for start in range(0, len(data), step if pause else len(data)):
            handler.send(data[start : start + (step if pause else len(data))])
            time.sleep(pause)

    return behave


def endless(chunk: bytes = b"x" * 65536) -> Behaviour:
    """Send for ever, without telling a length."""

    def behave(handler: Handler) -> None:
        handler.head(200)
        while True:
            handler.send(chunk)

    return behave


def silent(seconds: float) -> Behaviour:
    """Take the request and say nothing."""
    return lambda handler: time.sleep(seconds)
