"""The benchmark of stacked training, tiny, on the CPU, with few packages: on a GPU it has to work at once."""

from pathlib import Path

import pytest

from bare_packages import run_bare

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "gpu.py"
TINY = {
    "lanes": 2, "epochs": 1, "epoch-size": 100, "stamps": 200, "mean-epochs": 0.1, "precisions": "float32",
    "seeds": 2, "job-epochs": 1, "job-stamps": 300, "threads": 1, "profiled": 3,
}  # fmt: skip


def output_of(packages, **arguments):
    given = [part for name, value in (TINY | arguments).items() for part in (f"--{name}", str(value))]
    given += ["--forms", "grouped", "plain"]  # what a GPU compiles, a CPU need not
    done = run_bare(SCRIPT, "--device", "cpu", *given, packages=packages)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    return tmp_path_factory.mktemp("bare") / "packages"


@pytest.fixture(scope="module")
def output(packages):
    return output_of(packages)


def table(output, first):
    """Rows by their first two cells, of the table whose head begins with a word."""
    lines = output.splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith(f"| {first} |"))
    rows = []
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.split("|")[1:-1]])
    return {(cells[0], cells[1]): cells for cells in rows}


def test_lanes_equal_runs_alone(output):
    assert output.count("of the largest gradient: equal") == 4
    assert output.count("a NaN stays in its lane") == 2
    assert "NOT EQUAL" not in output


def test_jobs_of_one_device_agree_with_themselves(output):
    """Here both are the CPU: the same runs twice, byte for byte."""
    compared = table(output, "runs")
    kinds = [("baseline on A", "2")]
    kinds += [(f"{method} on {survey}", "4") for method in ("finetune", "mme") for survey in "AB"]
    assert list(compared) == kinds
    for cells in compared.values():
        assert cells[2] == cells[3]
        assert float(cells[6]) == 0
        assert cells[7].startswith("equal")


def test_times_are_those_of_the_whole_study(output):
    measured = table(output, "method")
    variants = ("stacked", "grouped", "plain", "one run at a time", "stacked, streamed")
    assert set(measured) == {(method, name) for method in ("baseline", "mme") for name in variants}
    for method in ("baseline", "mme"):
        seconds, _, per_hour, hours = (float(cell) for cell in measured[method, "stacked"][4:8])
        assert abs(per_hour - 3600 / (seconds * 0.1)) <= 0.01 * per_hour + 1
        assert abs(hours - 1720 / per_hour) <= 0.01 * hours + 0.01
        assert measured[method, "stacked"][10] == "plain"  # on a CPU
        losses = {name: float(measured[method, name][9]) for name in variants if "one" not in name}
        assert losses["stacked"] == losses["plain"] == losses["stacked, streamed"]
        assert abs(losses["stacked"] - losses["grouped"]) < 0.001
    assert "the full grid, stacked, float32, 2 lanes:" in output


def test_operations_are_listed(output):
    for method in ("baseline", "mme"):
        assert f"{method}, 2 lanes, 2 steps and a validation:" in output
    assert output.count("Self CPU time total") == 2
    assert output.rstrip().endswith("left out for lack of time: nothing")


def test_what_the_time_does_not_allow_is_named(packages):
    (last,) = output_of(packages, seconds=0).splitlines()[-1:]
    for part in ("check of mme after 3 steps", "jobs on both devices", "baseline, stacked, float32, 2"):
        assert part in last
    assert "profile of mme" in last
