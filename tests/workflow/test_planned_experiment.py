"""What a run of the experiment would execute, and what stops it before its first job; nothing is run."""

import pytest

from tiny_project import TINY, VARIANTS, with_change, with_variants


def test_one_run_asks_only_for_what_it_needs(fresh):
    config = with_change("pairs", value="all")
    jobs = fresh.jobs("results/mme/HiTS-to-ZTF/shots-3/seed-1/metrics.json", config=config)
    assert jobs == {"simulate": 2, "stamps": 2, "splits": 2, "baseline": 1, "select_lambda": 1, "adapt": 1}


def test_one_pair_everything(fresh):
    jobs = fresh.jobs("results/pairs/HiTS-to-ZTF.done", config=with_change("pairs", value="all"))
    assert jobs["simulate"] == jobs["stamps"] == 2
    assert jobs["baseline"] == jobs["transfer"] == jobs["select_lambda"] == 1
    assert jobs["adapt"] == 2
    assert jobs["pair_table"] == jobs["pair_figure"] == jobs["lambda_figure"] == 1
    assert jobs["examples_figure"] == jobs["preprocessing_figure"] == 2


DIAGNOSTICS_OF_A_PAIR = (
    "diagnostics", "worst_errors", "features", "worst_baseline_errors", "calibrate_baseline",
    "signal_to_noise", "snr_recall",
)  # fmt: skip


def test_one_pair_includes_its_diagnostics(fresh):
    config = with_change("diagnostics", "pairs", value="all")
    jobs = fresh.jobs("results/pairs/HiTS-to-ATLAS.done", config=config)
    assert {rule: jobs[rule] for rule in DIAGNOSTICS_OF_A_PAIR} == dict.fromkeys(DIAGNOSTICS_OF_A_PAIR, 1)
    assert jobs["calibrate"] == 2  # both methods, with the most shots


@pytest.mark.parametrize(
    ("pair", "changes", "ratios", "recalls"),
    [
        ("DES-to-ATLAS", {}, 1, 1),
        ("HiTS-to-DES", {}, 2, 1),  # both archives give S/N
        ("ATLAS-to-ZTF", {}, 0, 0),  # neither does
        ("DES-to-ATLAS", {"snr_bins": None}, 0, 0),
    ],
)
def test_recall_by_signal_to_noise_where_an_archive_gives_it(fresh, pair, changes, ratios, recalls):
    config = with_change("pairs", value=[pair])
    config["diagnostics"] = {"pairs": [pair], **changes}
    jobs = fresh.jobs(config=config)
    assert (jobs.get("signal_to_noise", 0), jobs.get("snr_recall", 0)) == (ratios, recalls)
    assert jobs["diagnostics"] == 1


@pytest.mark.parametrize(
    "target", ["results/tables/snr/ZTF.parquet", "results/tables/diagnostics/snr/ATLAS-to-ZTF.csv"]
)
def test_no_ratios_are_promised_where_the_archive_has_none(fresh, target):
    done = fresh.snakemake("--dry-run", target, config=with_change("pairs", value="all"))
    assert done.returncode != 0
    assert "MissingRuleException" in done.stdout + done.stderr


def test_diagnostics_can_be_switched_off(fresh):
    jobs = fresh.jobs(config=with_change("diagnostics", value={"enabled": False}))
    assert not {*DIAGNOSTICS_OF_A_PAIR, "calibrate", "retention", "domain_shift_table"} & set(jobs)


def test_published_entropy_weights_need_no_search(fresh):
    config = with_change("methods", "mme", "entropy_weight", value={"choice": "published"})
    jobs = fresh.jobs(config=config)
    assert "select_lambda" not in jobs
    assert "lambda_figure" not in jobs
    assert jobs["published_lambda"] == 2
    assert jobs["lambda_table"] == 1
    assert "lambda_figure" not in fresh.jobs("results/pairs/HiTS-to-ATLAS.done", config=config)


def test_without_variants_there_are_no_ablations(fresh):
    jobs = fresh.jobs()
    assert {"ablation_table", "ablation_figure", "select_variant_lambda"}.isdisjoint(jobs)


def test_variants_are_listed_with_their_method_under_their_names(fresh):
    config = with_variants(*VARIANTS)
    jobs = fresh.jobs(config=config)
    assert jobs["adapt"] == (2 + 4) * 2  # methods and variants, pairs
    assert jobs["select_lambda"] == jobs["select_variant_lambda"] == 2
    assert jobs["ablation_table"] == jobs["ablation_figure"] == 1
    assert jobs["pair_table"] == jobs["pair_figure"] == 2
    done = fresh.snakemake("--dry-run", config=config)
    for name in VARIANTS:
        assert f"results/{name}/HiTS-to-ATLAS/shots-3/seed-1/metrics.json" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "searches"),
    [
        ("mme_two", {"select_lambda": 1}),
        ("mme_zero", {}),
        ("mme_own", {"select_variant_lambda": 1}),
        ("scratch", {}),
    ],
)
def test_a_variant_waits_for_the_search_that_it_uses(fresh, name, searches):
    target = f"results/{name}/HiTS-to-ATLAS/shots-3/seed-1/metrics.json"
    jobs = fresh.jobs(target, config=with_variants(*VARIANTS))
    assert {rule: count for rule, count in jobs.items() if "lambda" in rule} == searches


def test_a_variant_may_search_where_its_method_takes_the_published_weight(fresh):
    config = with_variants("mme_own", "mme_two")
    config["methods"]["mme"] = {"entropy_weight": {"choice": "published"}}
    jobs = fresh.jobs(config=config)
    assert jobs["published_lambda"] == jobs["select_variant_lambda"] == 2
    assert "select_lambda" not in jobs


def test_a_variant_may_have_the_published_weights_where_its_method_searches(fresh):
    config = with_variants("mme_two", "mme_own")
    published = {"variant_of": "mme", "label": "published", "entropy_weight": {"choice": "published"}}
    config["methods"]["mme_published"] = published
    jobs = fresh.jobs(config=config)
    searches = {rule: count for rule, count in jobs.items() if rule.endswith("_lambda")}
    assert searches == {"select_lambda": 2, "select_variant_lambda": 2, "published_variant_lambda": 2}


def test_with_no_shots_only_methods_that_need_no_label_are_trained_and_nothing_is_searched(fresh):
    config = with_variants("scratch", "mme_two", splits={**TINY["splits"], "shots": [0, 1]})
    jobs = fresh.jobs(config=config)
    assert jobs["adapt_without_labels"] == 2 * 2  # MME and its variant, pairs
    target = "results/{}/HiTS-to-ATLAS/shots-0/seed-1/metrics.json"
    jobs = fresh.jobs(target.format("mme"), config=config)
    assert jobs["adapt_without_labels"] == 1
    assert not any("lambda" in rule for rule in jobs)
    done = fresh.snakemake("--dry-run", target.format("finetune"), config=config)
    assert done.returncode != 0


@pytest.mark.parametrize(("folder", "name"), [("", "mme"), ("mme_zero/", "mme_zero")])
def test_where_no_entropy_weight_is_searched_none_is_made(fresh, folder, name):
    config = with_variants("mme_zero")
    config["methods"]["mme"] = {"entropy_weight": 0.3}
    done = fresh.snakemake("--dry-run", f"results/lambda/{folder}HiTS-to-ATLAS.json", config=config)
    assert done.returncode != 0
    assert f"methods.{name} searches no entropy weight in this configuration." in done.stdout + done.stderr
    assert not any("lambda" in rule for rule in fresh.jobs(config=config))


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (
            ("training", "learning_rat"),
            1,
            "training has no key 'learning_rat'; did you mean 'learning_rate'?",
        ),
        (("pairs",), ["DES-to-DES"], "'DES-to-DES' has the same survey as source and target."),
        (("splits", "shots"), [500], "500 shots per class from the train part of ATLAS were asked for"),
        (
            ("methods", "mme_two"),
            {"variant_of": "mme", "label": "MME in two steps", "step": "two"},
            "config: methods.mme_two has no key 'step'; did you mean 'steps'?",
        ),
        (
            ("training", "momentum"),
            2,
            "config: training.momentum must be less than 1, found 2.",
        ),
    ],
)
def test_an_impossible_config_stops_before_the_first_job(fresh, place, value, message):
    done = fresh.snakemake(config=with_change(*place, value=value))
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (fresh.folder / "results").exists()


def test_missing_archives_are_told_in_one_sentence_that_says_where_to_put_them(fresh):
    """As config.yaml asks for them; a run that needs neither is not stopped."""
    config = with_change("surveys", "ATLAS", value={"origin": "path", "path": "resources/raw/ATLAS"})
    config["surveys"]["ZTF"] = {"origin": "path", "path": "resources/raw/ZTF"}
    done = fresh.snakemake("--dry-run", config=config)
    assert done.returncode == 1
    assert "\nATLAS: there is nothing at resources/raw/ATLAS" in done.stderr
    assert "the raw archive (the pickle, or folders <class>/<id>_{sci,diff}.fits[.gz]" in done.stderr
    assert done.stderr.endswith("Not there either: that of ZTF at resources/raw/ZTF.\n")
    assert "Traceback" not in done.stderr + done.stdout
    assert fresh.snakemake("--dry-run", "results/stamps/HiTS.h5", config=config).returncode == 0


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("results/mme/HiTS-to-HiTS/shots-3/seed-0/metrics.json", "the same survey as source and target"),
        ("results/baseline/DES-to-DES/shots-0/seed-0/metrics.json", "the same survey as source and target"),
        ("results/pairs/HiTS-to-HiTS.done", "MissingRuleException"),
        ("results/mme/HiTS-to-ATLAS/shots-2/seed-0/metrics.json", "MissingRuleException"),
        ("results/mme/HiTS-to-ATLAS/shots-3/seed-7/metrics.json", "MissingRuleException"),
    ],
)
def test_a_run_that_is_not_in_the_experiment_is_refused(fresh, target, message):
    done = fresh.snakemake("--dry-run", target)
    assert done.returncode != 0
    assert message in done.stderr + done.stdout


def test_training_rules_declare_a_gpu(fresh):
    done = fresh.snakemake("--dry-run", "results/mme/HiTS-to-ATLAS/shots-3/seed-0/metrics.json")
    printed = done.stdout + done.stderr
    for rule in ("baseline", "select_lambda", "adapt"):
        job = printed.partition(f"rule {rule}:")[2].partition("rule ")[0]
        assert "gpu=1" in job
        assert "runtime=" in job
