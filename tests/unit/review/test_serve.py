import re
import socket

import pytest
import uvicorn

from stampshift.core.errors import StampshiftError
from stampshift.review.serve import serve


@pytest.fixture
def told(review, store, monkeypatch):
    """A function that gives what is told of a server, which ends at once."""
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: None)

    def start(**options):
        lines = []
        usual = {"host": "127.0.0.1", "port": 0, "token": None, "open_browser": False, "say": lines.append}
        serve(review, store, raters_per_candidate=2, **(usual | options))
        return "\n".join(lines)

    return start


def test_loopback_needs_no_token_unless_one_is_given(told, store):
    plain = told()
    assert re.search(r"Review of 30 candidates of DES: http://127\.0\.0\.1:\d+/$", plain, re.MULTILINE)
    assert f"Votes go to {store.path}" in plain
    assert told(token="much-too-secret").count("/?token=much-too-secret") == 1
    assert "http://[::1]:" in told(host="::1")


def test_beyond_loopback_a_token_is_made_up(told):
    one, other = (re.findall(r"\?token=([\w-]{40,})", told(host="0.0.0.0")) for _ in range(2))
    assert len(one) == len(other) == 1
    assert one != other


def test_a_port_that_is_taken_is_one_sentence(told):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StampshiftError, match=f"127.0.0.1:{port}: cannot listen there .*--port"):
            told(port=port)
