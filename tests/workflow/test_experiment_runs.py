"""The whole workflow on tiny simulated surveys: what it leaves, and what a rerun does."""

import json
import re
import shutil
from copy import deepcopy
from pathlib import Path

import h5py
import pandas as pd
import pytest

from stampshift.stamps.file import Stamps
from stampshift.stamps.splits import Splits
from tiny_project import TINY, Project, with_change, with_variants

RUN_FILES = {"model.pt", "history.parquet", "predictions.parquet", "metrics.json", "SHA256SUMS"}


def test_every_run_has_its_four_files(finished):
    for method in ("finetune", "mme"):
        for pair in TINY["pairs"]:
            for shots in (1, 3):
                for seed in (0, 1):
                    folder = finished.folder / f"results/{method}/{pair}/shots-{shots}/seed-{seed}"
                    assert {path.name for path in folder.iterdir()} == RUN_FILES
    assert {path.name for path in (finished.folder / "results/baseline/HiTS/seed-1").iterdir()} == RUN_FILES


def test_the_gathered_table_has_every_evaluation_once(finished):
    runs = pd.read_csv(finished.folder / "results/tables/runs.csv")
    key = ["method", "source", "target", "shots", "seed", "evaluated_on"]
    assert not runs.duplicated(key).any()
    counts = runs.groupby("method").size().to_dict()
    # baselines: 2 sources x 2 seeds on 2 surveys; adaptations: 2 pairs x 2 shots x 2 seeds on 2 surveys
    assert counts == {"baseline": 8, "finetune": 16, "mme": 16}


def test_tables_and_figures_are_there_and_labelled_as_simulated(finished):
    results = finished.folder / "results"
    names = ("overview", "table-1", "lambda", "pairs/HiTS-to-ATLAS", "claims", "table-26", "table-27")
    for stem in [f"tables/{name}" for name in names]:
        for suffix in (".csv", ".md", ".tex"):
            assert (results / stem).with_name((results / stem).name + suffix).stat().st_size > 0
    for name in ("table-1", "claims", "table-26", "table-27"):
        assert "simulated" in (results / f"tables/{name}.md").read_text()
    # the published numbers under our rule are there, ours beside them are not
    assert (results / "tables/published-decisions.md").exists()
    assert "simulated" not in (results / "tables/published-claims.md").read_text()
    assert not (results / "tables/beside-published.md").exists()
    pairs = ("pairs/HiTS-to-ATLAS", "lambda/HiTS-to-ATLAS", "lambda/HiTS-to-ATLAS-by-shots")
    thesis = ("baseline-bars", "preprocessing/ATLAS-steps", "preprocessing/HiTS-extreme")
    for stem in ("table-1", "all-pairs", *pairs, "examples/ATLAS", "preprocessing/ATLAS", *thesis):
        assert (results / f"figures/{stem}.png").read_bytes().startswith(b"\x89PNG")
        assert (results / f"figures/{stem}.pdf").read_bytes().startswith(b"%PDF")


def test_the_stamps_file_says_that_it_is_simulated(finished):
    with h5py.File(finished.folder / "results/stamps/HiTS.h5") as file:
        assert '"simulate": {"seed": 0, "stamps": 150}' in file.attrs["preprocessing"]


def test_an_archive_that_is_not_the_published_one_is_warned_of(finished, tmp_path):
    project = Project(tmp_path / "project")
    shutil.copytree(finished.folder, project.folder)
    simulated = (project.folder / "results/tables/data.md").read_text()
    assert "differs" not in simulated
    assert re.search(r"ATLAS +\| read +\| all +\| 150 +\| simulated surveys", simulated)
    section = {"origin": "path", "path": "resources/raw/simulated/ATLAS-150-seed-2"}
    config = with_change("surveys", "ATLAS", value=section)
    terminal = project.run("results/tables/data.csv", config=config)
    found = re.search("ATLAS is not the published data set: read, all 150 \\(published 3,678\\)", terminal)
    assert found
    assert found[0] in (project.folder / "results/logs/data_table.log").read_text()
    table = (project.folder / "results/tables/data.md").read_text()
    assert re.search(r"ATLAS +\| read +\| all +\| 150 +\| 3,678 +\| differs", table)
    assert re.search(r"HiTS +\| read +\| all +\| 150 +\| simulated surveys", table)


def test_a_second_call_has_nothing_to_do(finished):
    assert finished.jobs() == {}


def test_a_rerun_from_nothing_gives_the_same_predictions(finished, fresh):
    fresh.run("results/mme/HiTS-to-ATLAS/shots-3/seed-1/predictions.parquet", cores=1)
    again = fresh.contents("results/mme/*/*/*/predictions.parquet")
    assert len(again) == 4  # of two seeds and both numbers of shots: one job
    assert again.items() <= finished.contents("results/mme/*/*/*/predictions.parquet").items()


def test_other_numbers_of_worker_processes_give_the_same_predictions(finished, fresh):
    shutil.copytree(finished.folder / "resources/raw", fresh.folder / "resources/raw")
    config = with_change("execution", value={"threads": 2, "preprocessing_threads": 1})
    fresh.run("results/finetune/HiTS-to-ATLAS/shots-1/seed-0/metrics.json", config=config)
    again = fresh.contents("results/finetune/*/*/*/predictions.parquet")
    assert again.items() <= finished.contents("results/finetune/*/*/*/predictions.parquet").items()


def test_editing_mme_reruns_mme_only(edited):
    project = edited("methods/mme.py", "dim=1).mean()", "dim=1).median()")
    jobs = project.jobs()
    assert {"baseline", "transfer", "stamps", "splits", "simulate"}.isdisjoint(jobs)
    assert jobs["select_lambda"] == 2
    assert jobs["adapt"] == 2  # of two pairs: mme alone
    assert project.jobs("results/finetune/HiTS-to-ATLAS/shots-1/seed-0/metrics.json") == {}


def test_editing_a_docstring_reruns_nothing(edited):
    assert edited("methods/mme.py", "Mean Shannon entropy", "Average Shannon entropy").jobs() == {}


def test_editing_the_loop_reruns_every_training(edited):
    jobs = edited("training/sampler.py", "count // 2", "(count + 0) // 2").jobs()
    assert jobs["baseline"] == 2
    assert jobs["adapt"] == 4
    assert "stamps" not in jobs


def test_where_it_runs_changes_nothing(finished):
    assert finished.jobs(config=with_change("execution", value={"device": "cpu", "threads": 2})) == {}


def test_one_more_seed_trains_the_new_runs_only(finished, tmp_path):
    finished = Project(shutil.copytree(finished.folder, tmp_path / "copy"))
    before = {path: path.stat().st_mtime_ns for path in finished.folder.glob("results/store/*/*/model.pt")}
    config = with_change("splits", "seeds", value=[0, 1, 2])
    first = finished.contents("results/finetune/ATLAS-to-HiTS/shots-1/*/predictions.parquet")
    finished.run("results/finetune/ATLAS-to-HiTS/shots-1/seed-2/metrics.json", config=config)
    after = {path: path.stat().st_mtime_ns for path in finished.folder.glob("results/store/*/*/model.pt")}
    assert before.items() <= after.items()
    assert len(after) - len(before) == 3  # the new seed's baseline and two fine-tunings
    assert (
        first.items()
        <= finished.contents("results/finetune/ATLAS-to-HiTS/shots-1/*/predictions.parquet").items()
    )


def test_every_test_stamp_has_its_recall_by_signal_to_noise(finished):
    folder = finished.folder / "results"
    ratios = pd.read_parquet(folder / "tables/snr/HiTS.parquet")
    assert ratios["id"].tolist() == Stamps.open(folder / "stamps/HiTS.h5").ids.tolist()
    recalls = pd.read_csv(folder / "tables/diagnostics/snr/HiTS-to-ATLAS.csv")
    assert set(recalls["survey"]) == {"HiTS"}
    tested = {row for seed in (0, 1) for row in Splits.open(folder / f"splits/HiTS/seed-{seed}.npz").test}
    for _, lines in recalls.groupby(["method", "shots"]):
        assert lines["stamps"].sum() == len(tested)
    assert "simulated" in (folder / "tables/diagnostics/snr/HiTS-to-ATLAS.md").read_text()


def test_temperatures_are_those_of_validation_stamps(finished):
    # 2 validation shots per class of the target; the source's whole validation part for the baseline
    adapted = json.loads((finished.folder / "results/calibration/mme/HiTS-to-ATLAS/shots-3.json").read_text())
    baseline = json.loads((finished.folder / "results/calibration/baseline/HiTS.json").read_text())
    assert [(split["survey"], split["stamps"]) for split in adapted["splits"]] == [("ATLAS", 4)] * 2
    for split in baseline["splits"]:
        parts = Splits.open(finished.folder / f"results/splits/HiTS/seed-{split['seed']}.npz")
        assert (split["survey"], split["stamps"]) == ("HiTS", len(parts.validation))


def test_operating_points_agree_with_the_gathered_runs(finished):
    tables = finished.folder / "results/tables"
    points = pd.read_csv(tables / "diagnostics/operating-points/HiTS-to-ATLAS.csv")
    chosen = points[(points["survey"] == "ATLAS") & (points["method"] == "mme") & (points["shots"] == 3)]
    means = chosen.set_index("quantity")["mean"]
    runs = pd.read_csv(tables / "runs.csv").query(
        "method == 'mme' and source == 'HiTS' and shots == 3 and evaluated_on == 'ATLAS'"
    )
    assert 1 - means["MDR at score 0.5"] == pytest.approx(runs["recall_real"].mean())
    assert 1 - means["FPR at score 0.5"] == pytest.approx(runs["recall_bogus"].mean())


def test_methods_without_labels_and_other_networks_are_tabled(finished, tmp_path):
    """Beside MME with 0 shots and the baseline; what was trained before stays."""
    project = Project(shutil.copytree(finished.folder, tmp_path / "copy"))
    methods = {**TINY["methods"], "adabn": {}, "dann": {"weight": 0.1}}
    config = {
        **deepcopy(TINY),
        "pairs": ["HiTS-to-ATLAS"],
        "splits": {**TINY["splits"], "shots": [0, 1, 3]},
        "methods": methods,
        "compared_networks": ["residual"],
    }
    tables = [f"results/tables/{name}.md" for name in ("zero-shots", "network-costs")]
    targets = [*tables, "results/figures/zero-shots.png"]
    jobs = project.jobs(*targets, config=config)
    assert jobs.pop("adapt_without_labels") == 3
    assert jobs.keys() <= {
        "baseline_of_network", "gather", "zero_shot_table", "zero_shot_figure", "network_costs",
    }  # fmt: skip
    project.run(*targets, config=config)
    zero_shots, costs = ((project.folder / path).read_text() for path in tables)
    assert "| HiTS to ATLAS " in zero_shots
    assert all(f"| {name} " in zero_shots for name in ("baseline (source only)", "MME", "AdaBN", "DANN"))
    assert "| bolivar   | 115,944 " in costs
    assert "| residual  | 174,738 " in costs


def test_sources_of_several_surveys_are_sources_of_every_method_and_answer_their_questions(
    finished, tmp_path
):
    project = Project(shutil.copytree(finished.folder, tmp_path / "copy"))
    sources = {"both": ["HiTS", "DES"], "all-of-it": ["HiTS", "DES", "ATLAS"]}
    pairs = ["HiTS-to-ATLAS", "both-to-ATLAS", "all-of-it-to-ATLAS"]
    config = {**deepcopy(TINY), "sources": sources, "pairs": pairs}
    alone = "results/mme/all-of-it-to-ATLAS/shots-3/seed-1/metrics.json"
    jobs = {"splits": 1, "baseline": 1, "select_lambda": 1, "adapt": 1}
    assert project.jobs(alone, config=config) == jobs
    project.run("results/summary.html", "results/pairs/all-of-it-to-ATLAS.done", config=config)
    runs = pd.read_csv(project.folder / "results/tables/runs.csv")
    for method in ("finetune", "mme"):
        own = runs[(runs["method"] == method) & (runs["source"] == "all-of-it")]
        assert set(own["evaluated_on"]) == {"HiTS", "DES", "ATLAS", "all-of-it"}
        assert len(own) == 4 * 2 * 2
    baselines = runs[runs["method"] == "baseline"].groupby("source")["evaluated_on"].agg(set)
    assert baselines["both"] == {"HiTS", "DES", "both", "ATLAS"}
    assert baselines["all-of-it"] == {"HiTS", "DES", "ATLAS", "all-of-it"}
    compared = pd.read_csv(project.folder / "results/tables/generalist/comparisons.csv")
    assert set(compared["question"]) == {"specialist", "new", "adapted", "kept", "keeping"}
    page = (project.folder / "results/summary.html").read_text()
    assert "Sources of several surveys" in page
    assert page.count('src="data:image/png;base64,') == 1 + 4
    cells = (project.folder / "results/tables/pairs/all-of-it-to-ATLAS.md").read_text()
    for survey in ("all-of-it", "HiTS", "DES", "ATLAS"):
        assert f"MME, on {survey} " in cells
    assert project.jobs("results/summary.html", config=config) == {}


def test_variants_are_tabled_by_label_and_rerun_with_their_method_alone(finished, tmp_path):
    project = Project(shutil.copytree(finished.folder, tmp_path / "copy"))
    config = with_variants("scratch", "mme_two", pairs=["HiTS-to-ATLAS"])
    project.run("results/tables/ablations.md", "results/figures/ablations.png", config=config)
    table = (project.folder / "results/tables/ablations.md").read_text()
    assert table.startswith("Balanced accuracy of variants of MME")
    for label in ("baseline (source only)", "fine-tuning", "MME", "from scratch", "MME in two steps"):
        assert f"| {label} " in table
    runs = pd.read_csv(project.folder / "results/tables/runs.csv").groupby("method").size()
    assert runs.to_dict() == {"baseline": 4, "finetune": 8, "mme": 8, "scratch": 8, "mme_two": 8}
    run = "results/{}/HiTS-to-ATLAS/shots-3/seed-0/metrics.json"
    module = project.folder / "workflow/stampshift/methods/mme.py"
    module.write_text(module.read_text().replace("dim=1).mean()", "dim=1).median()"))
    assert project.jobs(run.format("scratch"), config=config) == {}
    assert project.jobs(run.format("mme_two"), config=config) == {"select_lambda": 1, "adapt": 1}


def test_an_archive_with_an_address_is_downloaded_and_read(finished, fresh):
    archive = finished.folder / "resources/raw/simulated/HiTS-150-seed-0/all_chunks.tar.gz"
    config = with_change("surveys", "HiTS", value={"origin": "url", "url": [archive.as_uri()]})
    fresh.run("results/stamps/HiTS.h5", config=config)
    assert (fresh.folder / "resources/raw/HiTS/all_chunks.tar.gz").read_bytes() == archive.read_bytes()
    simulated = Stamps.open(finished.folder / "results/stamps/HiTS.h5")
    downloaded = Stamps.open(fresh.folder / "results/stamps/HiTS.h5")
    assert downloaded.attributes["digest"] == simulated.attributes["digest"]
    assert downloaded.attributes["origin"] == {"url": [archive.as_uri()]}


def test_a_downloaded_archive_that_changed_on_the_disk_is_refused(finished, fresh):
    archive = finished.folder / "resources/raw/simulated/HiTS-150-seed-0/all_chunks.tar.gz"
    config = with_change("surveys", "HiTS", value={"origin": "url", "url": [archive.as_uri()]})
    fresh.run("resources/raw/HiTS/all_chunks.tar.gz", config=config)
    assert " HiTS/all_chunks.tar.gz\n" in (fresh.folder / "resources/downloads.lock").read_text()
    with (fresh.folder / "resources/raw/HiTS/all_chunks.tar.gz").open("ab") as file:
        file.write(b"and a byte")
    done = fresh.snakemake("results/stamps/HiTS.h5", config=config)
    assert done.returncode != 0
    assert (
        "expected the file that was downloaded" in (fresh.folder / "results/logs/stamps/HiTS.log").read_text()
    )


def test_a_failed_download_leaves_nothing_under_the_final_name(fresh):
    missing = (fresh.folder / "nowhere/all_chunks.tar.gz").as_uri()
    config = with_change("surveys", "HiTS", value={"origin": "url", "url": [missing]})
    done = fresh.snakemake("results/stamps/HiTS.h5", config=config)
    assert done.returncode != 0
    assert not (fresh.folder / "resources/raw/HiTS/all_chunks.tar.gz").exists()
    log = (fresh.folder / "results/logs/download/HiTS/all_chunks.tar.gz.log").read_text()
    assert "No such file or directory" in log


def test_more_shots_train_the_new_runs_only(finished, tmp_path):
    finished = Project(shutil.copytree(finished.folder, tmp_path / "copy"))
    config = with_change("splits", "shots", value=[1, 3, 5])
    target = "results/finetune/HiTS-to-ATLAS/shots-5/seed-0/metrics.json"
    before = set(finished.folder.glob("results/store/*/*/model.pt"))
    first = finished.contents("results/finetune/HiTS-to-ATLAS/*/*/predictions.parquet")
    assert finished.jobs(target, config=config) == {"adapt": 1}
    finished.run(target, config=config)
    assert len(set(finished.folder.glob("results/store/*/*/model.pt")) - before) == 2  # a run of each seed
    assert len(first) == 4
    assert (
        first.items() <= finished.contents("results/finetune/HiTS-to-ATLAS/*/*/predictions.parquet").items()
    )


def test_the_address_of_an_archive_that_is_not_used_changes_nothing(finished):
    config = with_change("surveys", "HiTS", "path", value="somewhere/else")
    assert finished.jobs(config=config) == {}


def test_the_report_holds_every_section(finished):
    finished.run("--report", "report.html")
    report = (finished.folder / "report.html").read_text()
    for section in ("Balanced accuracy", "Adaptation by pair", "Entropy weight", "Diagnostics"):
        assert section in report
    assert "Simulated surveys" in report


def test_the_projects_logger_prints_few_lines_and_snakemakes_log_the_rest(fresh):
    missing = (fresh.folder / "nowhere/all_chunks.tar.gz").as_uri()
    config = with_change("surveys", "HiTS", value={"origin": "url", "url": [missing]})
    done = fresh.snakemake("results/stamps/HiTS.h5", "--logger", "stampshift", config=config)
    assert done.returncode != 0
    log = "results/logs/download/HiTS/all_chunks.tar.gz.log"
    assert f"Failed: download HiTS all_chunks.tar.gz\nits log, {log}, ends:\n" in done.stderr
    assert "No such file or directory" in done.stderr
    (complete,) = re.findall(r"0 of \d steps in 0:\d\d; Snakemake's log: (\S+)", done.stderr)
    assert "Error in rule download" in Path(complete).read_text()
    assert len(done.stderr.splitlines()) < 20
    assert done.stdout == ""
