"""The benchmark of stacked training, tiny and on the CPU: on a GPU it has to work at once."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.py"
TINY = ["--lanes", "2", "--epochs", "1", "--epoch-size", "100", "--stamps", "200", "--mean-epochs", "10"]


def test_the_benchmark_of_a_gpu_checks_itself_and_measures_every_variant():
    environment = os.environ | {"PYTHONPATH": str(SCRIPT.parents[1] / "workflow")}
    variants = ["stacked", "stacked, streamed", "stacked bfloat16", "stacked + graph"]
    command = [sys.executable, SCRIPT, "--device", "cpu", *TINY, "--variants", *variants]
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert output.count("of the largest gradient: equal; a NaN stays in its lane") == 2
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in output.splitlines() if "|" in line]
    measured = {(cells[0], cells[1]): cells for cells in rows[2:]}
    assert set(measured) == {
        (method, name) for method in ("baseline", "mme") for name in ("one run at a time", *variants)
    }
    assert {len(cells) for cells in measured.values()} == {8}
    for method in ("baseline", "mme"):
        seconds, per_hour, hours = (float(cell) for cell in measured[method, "stacked"][3:6])
        assert abs(per_hour - 3600 / (seconds * 10)) <= 0.01 * per_hour + 1
        assert abs(hours - 1720 / per_hour) <= 0.02 * hours + 0.01
        assert measured[method, "stacked"][7] == measured[method, "stacked, streamed"][7]
        exact, short = (float(measured[method, name][7]) for name in ("stacked", "stacked bfloat16"))
        assert 0 < abs(exact - short) < 0.1  # rounded, in products alone
        assert "CUDA" in measured[method, "stacked + graph"][3]  # a CPU has none
