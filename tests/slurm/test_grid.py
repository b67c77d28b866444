"""The first study through a real SLURM, with the profile: the bytes of one machine."""

import shutil

import pytest

from slurm_cluster import ON_SLURM, SNAKEMAKE
from tiny_project import TINY, Project, copy_of_the_project

SOURCE, TARGET = "HiTS", "DES"
PAIR, OTHER_PAIR = f"{SOURCE}-to-{TARGET}", f"{TARGET}-to-{SOURCE}"
# the demo's structure, cut to one pair, one split and one number of shots
CONFIG = TINY | {
    "pairs": [PAIR],
    "splits": TINY["splits"] | {"seeds": [0], "shots": [1]},
    "diagnostics": TINY["diagnostics"] | {"pairs": [PAIR]},
}
TWO_PAIRS = CONFIG | {"pairs": [PAIR, OTHER_PAIR]}
# all but the figures of the two surveys that no pair has
RESULTS = (
    f"pairs/{PAIR}.done",
    "summary.html",
    "tables/overview.md",
    "tables/table-1.md",
    "tables/claims.md",
    "tables/data.md",
    "tables/lambda.md",
    "tables/network.md",
    "tables/network-costs.md",
    "tables/published-claims.md",
    "tables/published-decisions.md",
    "tables/diagnostics/shift.md",
    "figures/table-1.pdf",
    "figures/all-pairs.pdf",
    "figures/baseline-bars.pdf",
    "tables/kept-weights-compared.md",
    "figures/kept-weights.pdf",
    "figures/diagnostics/retention.pdf",
)
# what has no running time in it
SAME_EVERYWHERE = (
    "results/stamps/*.h5",
    "results/splits/*/*.npz",
    "results/*/*/**/model.pt",
    "results/*/*/**/predictions.parquet",
    "results/lambda/*.json",
    "results/tables/overview.*",
)


def results(project: Project, *patterns: str) -> dict[str, bytes]:
    """Bytes of the results under their final names, the store's keys left out."""
    found = {name: content for pattern in patterns for name, content in project.contents(pattern).items()}
    return {name: content for name, content in found.items() if "/store/" not in name}


@pytest.fixture(scope="module")
def on_one_machine(tmp_path_factory) -> Project:
    project = copy_of_the_project(tmp_path_factory.mktemp("one-machine"))
    project.run("results/tables/overview.md", config=CONFIG)
    return project


@pytest.fixture(scope="module")
def grid(cluster, tmp_path_factory) -> Project:
    """A checkout in which the study ran, every job but those of tables and simple figures through SLURM."""
    project = copy_of_the_project(tmp_path_factory.mktemp("grid"))
    targets = [f"results/{name}" for name in RESULTS]
    rules = project.jobs(*targets, config=CONFIG).keys()
    assert rules - {"pair"} == project.jobs("all", config=CONFIG).keys() - {"all"}
    project.run(*ON_SLURM, *targets, config=CONFIG, **SNAKEMAKE)
    return project


def test_a_cluster_leaves_the_bytes_of_one_machine(grid, on_one_machine):
    ours, expected = results(grid, *SAME_EVERYWHERE), results(on_one_machine, *SAME_EVERYWHERE)
    assert len([name for name in ours if name.endswith("model.pt")]) == 3  # baseline, fine-tuning, MME
    assert [name for name in expected if ours[name] != expected[name]] == []


def test_trainings_ran_in_the_partition_of_gpu_nodes_with_one_gpu_each(grid, cluster):
    rules = ("baseline", "select_lambda", "transfer", "adapt", "features", "calibrate", "calibrate_baseline")
    asked = {
        (job.partition, job.gpus)
        for job in cluster.jobs()
        if job.comment.removeprefix("rule_").partition("_wildcards_")[0] in rules
    }
    assert asked == {("gpu", "gres:gpu:1")}
    others = {(job.partition, job.gpus) for job in cluster.jobs() if job.comment.startswith("rule_stamps_")}
    assert others == {("cpu", "N/A")}


def test_one_pair_runs_again_alone(grid, cluster):
    grid.run(f"results/tables/runs/{OTHER_PAIR}.csv", config=TWO_PAIRS)
    before = results(grid, *SAME_EVERYWHERE)
    others = {
        path: path.stat().st_mtime_ns
        for path in grid.folder.glob("results/*/*/**/model.pt")
        if {PAIR, "store"}.isdisjoint(path.parts)
    }
    assert len(others) == 4  # two baselines, two adaptations
    earlier = len(cluster.jobs())

    shutil.rmtree(grid.folder / "results/store")  # or its trainings would be taken from there
    for name in ("lambda/{}.json", "tables/runs/{}.csv"):
        (grid.folder / "results" / name.format(PAIR)).unlink()
    for method in ("baseline", "finetune", "mme"):
        shutil.rmtree(grid.folder / "results" / method / PAIR)
    grid.run(*ON_SLURM, f"results/tables/runs/{PAIR}.csv", config=TWO_PAIRS, **SNAKEMAKE)

    comments = sorted(job.comment for job in cluster.jobs()[earlier:])
    assert comments == [
        f"rule_adapt_wildcards_finetune_{SOURCE}_{TARGET}",
        f"rule_adapt_wildcards_mme_{SOURCE}_{TARGET}",
        f"rule_select_lambda_wildcards_{SOURCE}_{TARGET}",
        f"rule_transfer_wildcards_{SOURCE}_{TARGET}",
    ]
    assert {path: path.stat().st_mtime_ns for path in others} == others
    after = results(grid, *SAME_EVERYWHERE)
    assert [name for name in before if after[name] != before[name]] == []
