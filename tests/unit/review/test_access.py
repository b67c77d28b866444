import json
import socket

import pytest

from review_server import ACCESS, TWO, serving
from stampshift.review.app import make_app
from stampshift.review.vote_store import VoteStore

MILLION = 1_000_000


@pytest.fixture(scope="module")
def server(review, tmp_path_factory):
    """Host and port of a server."""
    path = tmp_path_factory.mktemp("access") / "votes.sqlite"
    with (
        VoteStore.open(path, review) as store,
        serving(make_app(review, store, asking=TWO, access=ACCESS)) as address,
    ):
        host, port = address.removeprefix("http://").split(":")
        yield host, int(port)


def head(server, *lines, method="POST", path="/api/votes", token=ACCESS.token):
    host = f"{server[0]}:{server[1]}"
    usual = (f"Host: {host}", f"Origin: http://{host}", f"Cookie: {ACCESS.cookie}={token}")
    start = (f"{method} {path} HTTP/1.1", *usual, "Content-Type: application/json")
    return "\r\n".join((*start, *lines, "", ""))


def answer(connection):
    """Status and JSON of an answer."""
    received = b""
    while b"}" not in received:
        more = connection.recv(65536)
        assert more, received
        received += more
    start, content = received.split(b"\r\n\r\n")
    assert b"content-security-policy" in start.lower()
    return int(start.split()[1]), json.loads(content)


@pytest.mark.parametrize("path", ["/api/votes", "/api/review", "/page/page.js", "/nowhere"])
@pytest.mark.parametrize("method", ["POST", "GET", "PUT"])
@pytest.mark.parametrize("size", [MILLION + 1, 10**18])
def test_a_large_body_is_refused_before_it_is_read(server, method, path, size):
    with socket.create_connection(server, timeout=20) as connection:
        # nothing of the body is ever sent
        connection.sendall(head(server, f"Content-Length: {size}", method=method, path=path).encode())
        status, content = answer(connection)
    assert status == 413
    assert content["detail"].startswith("The request is larger than 1 MB")


def test_a_large_body_in_chunks_is_refused_while_it_is_read(server):
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with socket.create_connection(server, timeout=20) as connection:
        # the end never comes
        connection.sendall(head(server, "Transfer-Encoding: chunked").encode() + chunk * 16)
        status, content = answer(connection)
    assert status == 413
    assert content["detail"].startswith("The request is larger than 1 MB")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_a_megabyte_is_read(server, chunked):
    sent = b"f4240\r\n" + b" " * MILLION + b"\r\n0\r\n\r\n" if chunked else b" " * MILLION
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {MILLION}"
    with socket.create_connection(server, timeout=20) as connection:
        connection.sendall(head(server, length).encode() + sent)
        assert answer(connection)[0] == 422


def test_who_has_no_token_learns_nothing_of_sizes(server):
    with socket.create_connection(server, timeout=20) as connection:
        connection.sendall(head(server, f"Content-Length: {10**9}", token="wrong").encode())
        assert answer(connection)[0] == 403


def test_an_endless_head_is_refused(server):
    with socket.create_connection(server, timeout=20) as connection:
        connection.sendall(head(server, "X-Long: " + "x" * 200_000)[:-4].encode())  # no end of the line
        assert connection.recv(65536).startswith(b"HTTP/1.1 400")


def test_a_websocket_is_answered_like_any_request(server):
    lines = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
    with socket.create_connection(server, timeout=20) as connection:
        request = head(server, *lines, method="GET", path="/page/page.js", token="wrong")
        connection.sendall(request.encode())
        assert answer(connection)[0] == 403
