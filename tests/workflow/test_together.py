"""`execution.together`: the job of a source's first target trains the runs of all; no result changes."""

import shutil

from tiny_project import TINY

APART = TINY | {
    "pairs": ["HiTS-to-ATLAS", "HiTS-to-ZTF"],
    "splits": TINY["splits"] | {"shots": [1]},
}
TOGETHER = APART | {"execution": TINY["execution"] | {"together": True}}
FIRST, SECOND = (
    f"results/finetune/HiTS-to-{target}/shots-1/seed-0/metrics.json" for target in ("ATLAS", "ZTF")
)


def test_the_first_targets_job_awaits_all_targets_and_the_others_await_it(fresh):
    found = {
        (name, target): fresh.jobs(target, config=config)
        for name, config in (("apart", APART), ("together", TOGETHER))
        for target in (FIRST, SECOND)
    }
    for target in (FIRST, SECOND):
        assert (found["apart", target]["stamps"], found["apart", target]["adapt"]) == (2, 1)
    assert (found["together", FIRST]["stamps"], found["together", FIRST]["adapt"]) == (3, 1)
    assert (found["together", SECOND]["stamps"], found["together", SECOND]["adapt"]) == (3, 2)


def test_the_same_results_come_out_and_a_targets_change_makes_its_own_job_run(fresh):
    fresh.run(FIRST, SECOND, config=APART)
    apart = fresh.contents("results/finetune/**/predictions.parquet")
    assert len(apart) == 4
    for folder in ("finetune", "store"):
        shutil.rmtree(fresh.folder / "results" / folder)
    fresh.run(FIRST, SECOND, config=TOGETHER)
    assert fresh.contents("results/finetune/**/predictions.parquet") == apart
    log = (fresh.folder / "results/logs/adapt/finetune/HiTS/ZTF.log").read_text()
    assert "epochs, kept" not in log  # it trained nothing
    assert fresh.jobs(FIRST, SECOND, config=TOGETHER) == {}
    changed = "results/splits/ZTF/seed-0.npz"
    planned = fresh.snakemake("--dry-run", FIRST, SECOND, "--forcerun", changed, config=TOGETHER)
    assert "HiTS-to-ZTF" in planned.stdout
    assert "rule adapt" in planned.stdout
    assert "results/finetune/HiTS-to-ATLAS/shots-1/seed-1/model.pt" not in planned.stdout
