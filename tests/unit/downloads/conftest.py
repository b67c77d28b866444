"""A local HTTP server that knows ranges and can be made to misbehave."""

import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from stampshift.downloads.fetch import Retries


@dataclass
class Server:
    """What is served, how, and what was asked for."""

    content: bytes
    address: str = ""
    tag: str | None = '"first"'
    ranges: bool = True
    statuses: list[int] = field(default_factory=list)  # of the next answers, then 200
    drop_after: list[int] = field(
        default_factory=list
    )  # bytes of the next bodies before the connection drops
    asked: list[dict[str, str]] = field(default_factory=list)
    sent: int = 0

    def part_asked(self, headers) -> int:
        """First byte to send."""
        asked = re.match(r"bytes=(\d+)-", headers.get("Range", ""))
        return int(asked[1]) if asked and self.ranges and headers.get("If-Range") == self.tag else 0


def handler(server: Server):
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(server.content)))
            self.end_headers()

        def do_GET(self):
            server.asked.append(dict(self.headers))
            status = server.statuses.pop(0) if server.statuses else 200
            if status != 200:
                self.send_error(status)
                return
            start = server.part_asked(self.headers)
            self.send_response(206 if start else 200)
            if start:
                last = len(server.content) - 1
                self.send_header("Content-Range", f"bytes {start}-{last}/{len(server.content)}")
            if server.tag:
                self.send_header("ETag", server.tag)
            self.send_header("Content-Length", str(len(server.content) - start))
            self.end_headers()
            body = server.content[start:]
            if server.drop_after:
                body = body[: server.drop_after.pop(0)]
            server.sent += len(body)
            self.wfile.write(body)
            self.close_connection = True

        def log_message(self, *arguments):
            pass

    return Handler


@pytest.fixture
def server():
    served = Server(content=bytes(range(256)) * 4000)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(served)) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        served.address = f"http://127.0.0.1:{http.server_port}/stamps_0.tar"
        yield served
        http.shutdown()
        thread.join()


@pytest.fixture
def waited():
    """Seconds that a download wanted to wait, one entry per pause."""
    return []


@pytest.fixture
def retries(waited):
    return Retries(without_progress=3, wait=waited.append)
