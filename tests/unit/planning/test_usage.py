import json

import numpy as np

from stampshift.planning.usage import peak_megabytes, tell


def test_the_peak_holds_what_was_held_at_once():
    held = np.ones(100_000_000, np.uint8)
    assert peak_megabytes() > held.nbytes / 1e6


def test_a_process_tells_its_use_as_json(capsys):
    tell()
    assert set(json.loads(capsys.readouterr().out)) == {"seconds", "megabytes"}
