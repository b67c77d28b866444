"""The benchmarks of a step, tiny: what they compare is right, and they run at once where they are needed."""

import sys

import pytest
import torch

import cpu_step
import des_stacks


@pytest.fixture
def run(monkeypatch, capsys):
    """What a benchmark prints, as rows of cells by the first one."""
    threads = torch.get_num_threads()

    def main(module, *arguments):
        monkeypatch.setattr(sys, "argv", [module.__file__, *arguments])
        module.main()
        lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
        return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]

    yield main
    torch.set_num_threads(threads)


@pytest.mark.parametrize("tries", ["convolution", "concatenated"])
def test_every_try_computes_what_the_step_does(run, tries):
    rows = run(cpu_step, "--rounds", "1", "--steps", "1", "--only", tries)
    assert rows
    for _, before, after, _, difference in rows:
        assert float(before) > 0 < float(after)
        assert float(difference) < 1e-4


def test_a_stack_of_a_des_network_is_timed_beside_the_run_alone(run, monkeypatch):
    monkeypatch.setitem(des_stacks.TRAINING, "batch_size", 4)
    options = {"networks": "network_4", "stamps": "6", "lanes": "2", "rounds": "1", "device": "cpu"}
    rows = run(des_stacks, *(part for name, value in options.items() for part in (f"--{name}", value)))
    assert [row[2] for row in rows] == ["alone", "2 lanes"]
    assert all(float(row[1]) < 0.05 and float(row[3]) > 0 for row in rows)
