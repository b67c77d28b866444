"""Which survey's packets a piece of work holds, by its schema alone: no packet is decoded."""

import gzip
import io
import struct
from pathlib import Path
from typing import Any

from stampshift.alerts.avro import MAGIC, WIRE_HEADER_BYTES, WIRE_MAGIC, layout_of, read_header
from stampshift.alerts.pieces import Broken, Piece, Rows, Stored
from stampshift.alerts.schemas import numbered_layout
from stampshift.formats.fits import GZIP_MAGIC


def dialect_of(piece: Piece, *, schemas: Path | None) -> str | None:
    """Key of `dialects.DIALECTS`, None where it cannot be told: `decode` then says what is wrong.

    Parameters
    ----------
    piece
        Of a unit; one piece has one schema.
    schemas
        Folder of schemas for packets that come without.
    """
    if isinstance(piece, Rows):
        return piece.survey
    if isinstance(piece, Broken):
        return None
    try:
        with piece.path.open("rb") if isinstance(piece, Stored) else io.BytesIO(piece.content) as stream:
            return _of_stream(stream, schemas)
    except Exception:  # a damaged file makes the libraries raise anything
        return None


def _of_stream(stream: Any, schemas: Path | None) -> str | None:
    begin = stream.read(max(len(MAGIC), WIRE_HEADER_BYTES))
    stream.seek(0)
    if begin.startswith(GZIP_MAGIC):
        with gzip.open(stream) as inflated:
            return _of_stream(inflated, schemas)
    if begin.startswith(MAGIC):
        return layout_of(read_header(stream).schema).survey
    if begin.startswith(WIRE_MAGIC) and schemas is not None:
        (number,) = struct.unpack(">I", begin[1:WIRE_HEADER_BYTES])
        return numbered_layout(schemas, number).survey
    return None
