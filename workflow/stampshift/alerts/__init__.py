"""Packets of alerts: Avro in all its containers, Parquet, four surveys' dialects. No torch.

`files` finds the files, `units` yields bounded pieces of work in archive order, and `decode` turns one into
alerts, in any process.
"""

from stampshift.alerts.containers import Unit, files, units
from stampshift.alerts.decoding import decode
from stampshift.alerts.dialects import Alert

__all__ = ["Alert", "Unit", "decode", "files", "units"]
