"""Makes stamps of damaged copies of an archive within bounded memory, for `unit/test_damaged_files.py`.

A process of its own: a copy may make a library crash, or take memory without end.
"""

import json
import logging
import resource
import sys
import traceback
import warnings
from pathlib import Path

import numpy as np

from damaged_copies import damaged
from stampshift.core.errors import StampshiftError
from stampshift.stamps.preprocessing import Preprocessing
from stampshift.stamps.raw_triplets import InvalidPixels
from stampshift.surveys.making import make_stamps

BYTES = 1 << 30  # beyond what the process has when it starts


def main(archive: Path, file: Path, settings: dict) -> None:
    """Damage `file` of `archive` again and again; report what became of every copy."""
    content, generator = file.read_bytes(), np.random.default_rng(len(settings["name"]))
    made, refusals, wrong = 0, 0, []
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + BYTES, used + BYTES))
    logging.disable()
    warnings.simplefilter("ignore")
    for copy in range(settings["copies"]):
        # wrong bytes can make the HDF5 library itself loop for ever
        file.write_bytes(damaged(content, generator, only_cut=file.suffix == ".h5"))
        try:
            make_stamps(
                [archive],
                survey="Mine",
                reader=settings["reader"],
                options=settings["options"],
                preprocessing=Preprocessing(21, "channel", InvalidPixels(), settings["classes"], "keep"),
                processes=1,
                unit_minutes=10,
                origin={},
                checksums={},
                tolerated=0.001,
                output=archive.parent / "made.h5",
            )
            made += 1
        except StampshiftError:
            refusals += 1
        except BaseException:
            wrong.append(f"copy {copy}:\n{traceback.format_exc()[-1500:]}")
    print(json.dumps({"made": made, "refusals": refusals, "wrong": wrong}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]))
