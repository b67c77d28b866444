"""Packets of alerts: Avro in all its containers, Parquet, four surveys' dialects. No torch.

`files` finds the files, `units` yields bounded pieces of work in archive order, and `decode` turns one into
alerts, in any process; `read_alerts` does all three in this one.
"""

from collections.abc import Iterator
from pathlib import Path

from stampshift.alerts.containers import Unit, files, units
from stampshift.alerts.decoding import decode
from stampshift.alerts.dialects import Alert
from stampshift.alerts.given import check_given

__all__ = ["Alert", "Unit", "check_given", "decode", "files", "read_alerts", "units"]


def read_alerts(*paths: Path | str, schemas: Path | None = None) -> Iterator[Alert]:
    """Alerts of files and folders (Avro, tar, tar.gz, Parquet), in order, one at a time.

    A packet that cannot be read is an alert with its problem. `schemas` is a folder of Avro schemas, for
    packets that come without. An `ArchiveError` if a path does not exist or holds no alert.

    Examples
    --------
    >>> from stampshift import read_alerts
    >>> alert = next(read_alerts("tonight"))
    >>> alert.survey, alert.identifier, alert.problem
    ('Rubin', '1', '')
    >>> [image.shape for image in alert.images]
    [(31, 31), (31, 31), (31, 31)]
    >>> alert.metadata.ra, alert.metadata.band, alert.metadata.sign  # what the packet does not have
    (nan, '', 0)
    """
    found = [Path(path) for path in paths]
    check_given(found)
    for unit in units(found, schemas=schemas):
        yield from decode(unit)
