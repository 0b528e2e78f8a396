"""A small server on this machine: one page, which is told of each new view and fetches it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any

from archdsl.backends.figures import fonts
from archdsl.diagnostics.faults import fault
from archdsl.diagnostics.rendering import render_text
from archdsl.live.view import View
from archdsl.support.resources import folder

HOST = "127.0.0.1"
NAMES = (HOST, "localhost")  # by which a browser of this machine may ask: a page of another site has its own
BEAT = 15.0  # seconds between signs of life
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; connect-src 'self'"
)
FILES = {
    "/": ("page.html", "text/html"),
    "/page.js": ("page.js", "text/javascript"),
    "/page.css": ("page.css", "text/css"),
}


FACES = {"/regular.otf": "Regular", "/bold.otf": "Bold"}


class Current:
    """The view at hand, and who waits for the next one."""

    def __init__(self) -> None:
        self.view, self.number, self.closed, self.changed = View({}), 0, False, Condition()

    def show(self, view: View) -> None:
        with self.changed:
            self.view, self.number = view, self.number + 1
            self.changed.notify_all()

    def close(self) -> None:
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def after(self, number: int) -> int:
        """The number of the view once there is another one than this, or after a while."""
        with self.changed:
            self.changed.wait_for(lambda: self.closed or self.number != number, BEAT)
            return self.number

    def data(self) -> dict[str, Any]:
        """What the page shows."""
        view = self.view
        return {
            "number": self.number,
            "title": view.title,
            "totals": view.totals,
            "figure": view.figure,
            "source": view.source,
            "table": view.table,
            "warnings": render_text(view.warnings),
            "faults": render_text(view.faults),
        }


class Handler(BaseHTTPRequestHandler):
    """Answers the page; nothing else on this machine can be read through it."""

    server: Server

    def do_GET(self) -> None:
        name, _, port = self.headers.get("Host", "").rpartition(":")
        path = self.path.partition("?")[0]
        if name not in NAMES or port != str(self.server.server_port):
            self.send_error(HTTPStatus.FORBIDDEN)
        elif path in FILES:
            file, kind = FILES[path]
            self.answer((folder("codegen_templates") / "live" / file).read_bytes(), kind)
        elif path == "/view":
            self.answer(json.dumps(self.server.current.data()).encode(), "application/json")
        elif path in FACES:
            self.answer_font(FACES[path])
        elif path == "/events":
            self.stream()
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def answer(self, body: bytes, kind: str) -> None:
        self.begin(kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer_font(self, face: str) -> None:
        """A face of the font that figures are measured in; where it is not there, the browser takes another."""
        files = fonts.folder()
        if files is None:
            self.send_error(HTTPStatus.NOT_FOUND)
        else:
            self.answer((files / f"SourceSansPro-{face}.otf").read_bytes(), "font/otf")

    def begin(self, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")

    def stream(self) -> None:
        """Server-sent events: the number of each view, until the reader or the server goes."""
        self.begin("text/event-stream")
        self.end_headers()
        current, told = self.server.current, -1
        while not current.closed:
            number = current.after(told)
            self.wfile.write(b": still here\n\n" if number == told else f"data: {number}\n\n".encode())
            self.wfile.flush()
            told = number

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: the terminal is for the spec."""


class Server(ThreadingHTTPServer):
    """The server of one `Current`."""

    daemon_threads = True

    def __init__(self, current: Current, port: int) -> None:
        self.current = current
        super().__init__((HOST, port), Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of a browser that has gone."""


@contextmanager
def serving(current: Current, port: int) -> Iterator[str]:
    """Serves while the context lasts; gives the address of the page. Port 0 is one that is free."""
    try:
        server = Server(current, port)
    except OSError as error:
        message = f"cannot serve at port {port}: {error.strerror}"
        raise fault("bad-call", message, help="leave --port out: then a free one is taken") from None
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}/"
    finally:
        current.close()
        server.shutdown()
        server.server_close()
        thread.join()
