"""Text for people: what a terminal would obey or could not show is escaped."""

import logging
import re
import sys

# control characters, lone surrogates (undecodable bytes of names), and marks that reorder what is read
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
UNDECODED = range(0xDC80, 0xDD00)  # bytes 0x80 to 0xff of a name that is not UTF-8, as Python holds them


def printable(text: str, *, keep: str = "") -> str:
    r"""`text` with control characters and undecodable bytes as ``\xNN``, but for those in `keep`.

    Examples
    --------
    >>> print(printable("night\x1b[31m-caf\udce9.avro"))
    night\x1b[31m-caf\xe9.avro
    """
    return UNPRINTABLE.sub(lambda found: found[0] if found[0] in keep else _escape(ord(found[0])), text)


def _escape(code: int) -> str:
    if code in UNDECODED:
        code -= UNDECODED.start - 0x80
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def echo(text: str, *, err: bool = False) -> None:
    """Print lines for people, whatever the terminal's encoding is."""
    stream = sys.stderr if err else sys.stdout
    encoding = stream.encoding or "utf-8"
    shown = printable(text, keep="\n\t").encode(encoding, "backslashreplace").decode(encoding)
    print(shown, file=stream, flush=True)


class PrintableFormatter(logging.Formatter):
    """A formatter whose lines are printable, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        """Lines of a record."""
        return printable(super().format(record), keep="\n\t")


class SentenceFormatter(PrintableFormatter):
    """A formatter for people at a terminal: ``warning: <sentence>``."""

    def format(self, record: logging.LogRecord) -> str:
        """Lines of a record."""
        return f"{record.levelname.lower()}: {super().format(record)}"


def log_to_terminal() -> None:
    """Print warnings of this process as sentences, unless its log goes elsewhere."""
    handler = logging.StreamHandler()
    handler.setFormatter(SentenceFormatter())
    logging.basicConfig(handlers=[handler])
