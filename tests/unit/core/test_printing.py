import io
import logging
import sys

import pytest

from stampshift.core.printing import PrintableFormatter, echo, printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rubin/1.avro é 星", "Rubin/1.avro é 星"),
        ("\x1b[2J\x07", r"\x1b[2J\x07"),
        ("\x9b31m\x7f", r"\x9b31m\x7f"),
        (b"caf\xe9.avro".decode("utf-8", "surrogateescape"), r"caf\xe9.avro"),
        ("\ud800", r"\ud800"),
        ("a\tb\r\nc", r"a\x09b\x0d\x0ac"),
        ("gpj\u202eexe", r"gpj\u202eexe"),
    ],
)
def test_what_a_terminal_would_obey_or_cannot_show_is_escaped(text, expected):
    assert printable(text) == expected


def test_lines_for_people_keep_their_ends_and_suit_the_terminal(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1", newline="\n")
    monkeypatch.setattr(sys, "stdout", stream)
    echo("é 星\n\tnext\x1b[31m")
    assert stream.buffer.getvalue() == b"\xe9 \\u661f\n\tnext\\x1b[31m\n"


def test_a_log_holds_no_escapes_of_a_terminal_even_in_a_traceback():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PrintableFormatter())
    logger = logging.Logger("test")
    logger.addHandler(handler)
    try:
        raise ValueError("\x1b]0;title\x07")
    except ValueError:
        logger.exception("%s\udce9", "\x1b[31m")
    assert "\x1b" not in stream.getvalue()
    assert stream.getvalue().startswith("\\x1b[31m\\xe9\nTraceback (most recent call last):\n")
