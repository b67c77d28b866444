"""Whether `stampshift adapt` estimates its gain correctly, and how good its defaults are.

    python benchmarks/adapting.py results/simulated

For pairs of surveys of a finished experiment, a few labelled stamps of the target are drawn again for every
seed; the rest of the train part is used without labels. The test part, which `adapt` never sees, gives the
truth. Two tables of balanced accuracy:

- what the held-out labels promised against the truth, and how often the truth was in their intervals;
  beside it what they would promise if each were judged at the epoch that it helped to choose;
- the truth after the epochs that the held-out labels chose, where the model stays as it was unless they see a
  gain and where it does not, after all epochs, and after the best epoch (which nobody can know), for several
  weights of the entropy; and the seconds that the trainings of the folds took.
"""

import argparse
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch
from joblib import cpu_count

from stampshift.adapting.choosing import choose_epochs, chosen_of, judged_scores
from stampshift.adapting.defaults import AUGMENTATION, EPOCHS, MME, TRAINING
from stampshift.adapting.setting import Setting
from stampshift.adapting.trainings import held_out_scores, trained_epochs
from stampshift.core.parallel import ordered_map
from stampshift.metrics.change import Change
from stampshift.metrics.metrics import evaluate
from stampshift.release.run_files import RunFiles
from stampshift.stamps.file import BOGUS, REAL, UNLABELLED, UNLABELLED_CLASS, Stamps
from stampshift.stamps.splits import Splits
from stampshift.stamps.writer import stamps_writer
from stampshift.training.model import Model, predict

CPU = torch.device("cpu")


def few_labels(stamps, splits, *, real, bogus, seed, output):
    """A stamps file of the train part in which all but a few labels are gone."""
    rng = np.random.default_rng(seed)
    labels = stamps.labels[splits.train]
    known = [
        rng.choice(np.flatnonzero(labels == label), number, replace=False)
        for label, number in ((REAL, real), (BOGUS, bogus))
    ]
    kept = np.isin(np.arange(len(labels)), np.concatenate(known))
    rows = splits.train
    with stamps_writer(output, survey=stamps.survey, size_pixels=stamps.stamps.shape[-1]) as writer:
        writer.append(
            stamps.stamps[rows],
            labels=np.where(kept, labels, UNLABELLED).astype(np.uint8),
            classes=list(np.where(kept, stamps.classes[rows], UNLABELLED_CLASS)),
            ids=list(stamps.ids[rows]),
            groups=list(stamps.groups[rows]),
        )
        writer.describe({"normalisation": stamps.attributes["normalisation"], "counts": {}, "origin": {}})
    return output


def setting_of(results, source, target, *, seed, weight, training):
    return Setting(
        model=results / "baseline" / source / f"seed-{seed}" / "model.pt",
        source=RunFiles(
            results / "stamps" / f"{source}.h5", results / "splits" / source / f"seed-{seed}.npz"
        ),
        target=target,
        method="mme",
        options=MME | {"entropy_weight": weight},
        training=TRAINING | training,
        seed=seed,
        device=CPU,
    )


def truth_by_epoch(setting, *, results, epochs):
    """Of the final training, all labels seen: metrics on the target's test part after every epoch."""
    stamps = Stamps.open(results / "stamps" / f"{setting.target_stamps.survey}.h5")
    rows = Splits.open(results / "splits" / stamps.survey / f"seed-{setting.seed}.npz").test

    def judged(classifier):
        return evaluate(stamps.labels[rows], predict(classifier, stamps.stamps, rows, device=CPU))

    before = judged(Model.open(setting.model).classifier(CPU))
    few = setting.few_labels
    steps = trained_epochs(setting, few.labelled, few.pile, number=0, epochs=epochs)
    return [before] + [judged(trainer.classifier) for _, trainer, _ in steps]


def promised(held_out):
    labels = held_out["label"].astype(int)
    return Change.between(held_out["score"], held_out["score"], labels=labels, survey="", stamps="").after


def measure(results, pair, *, numbers, seed, weights, training, processes, folder):
    source, target = pair.split("-to-")
    stamps = Stamps.open(results / "stamps" / f"{target}.h5")
    splits = Splits.open(results / "splits" / target / f"seed-{seed}.npz")
    real, bogus = numbers
    few = few_labels(
        stamps, splits, real=real, bogus=bogus, seed=seed, output=folder / f"{pair}-{real}-{bogus}-{seed}.h5"
    )
    settings = {
        weight: setting_of(results, source, few, seed=seed, weight=weight, training=training)
        for weight in weights
    }
    begin = time.perf_counter()
    scores = held_out_scores(
        settings[MME["entropy_weight"]], epochs=EPOCHS, processes=processes, progress=False
    )
    seconds = time.perf_counter() - begin
    rules = {"keep": TRAINING["keep"], "fallback": TRAINING["fallback"]}
    chosen = chosen_of(choose_epochs(scores, **rules))
    adapted = chosen_of(choose_epochs(scores, **rules | {"fallback": False}))
    found = promised(judged_scores(scores, **rules))
    at_the_chosen = promised(scores[scores["epoch"] == chosen])
    work = partial(truth_by_epoch, results=results, epochs=EPOCHS)
    truths = ordered_map(work, settings.values(), processes=processes)
    for weight, truth in zip(settings, truths, strict=True):
        accuracy = [each["balanced_accuracy"] for each in truth]
        line = {"pair": pair, "real": real, "bogus": bogus, "seed": seed, "weight": weight}
        line |= {"before": accuracy[0], "last": accuracy[-1], "best": max(accuracy[1:]), "chosen": np.nan}
        if weight == MME["entropy_weight"]:
            line |= {"chosen": accuracy[chosen], "epochs": chosen, "fold_seconds": seconds}
            line["without_fallback"] = accuracy[adapted]
            line["promised"] = found["balanced_accuracy"]
            line["best_of_epochs"] = at_the_chosen["balanced_accuracy"]
            for name in ("recall_real", "recall_bogus"):
                low, high = found[f"{name}_interval"]
                line[f"{name}_inside"] = low <= truth[chosen][name] <= high
        yield line


def shown(table):
    print(
        "\n| labels (real, bogus) | n | promised | true | promised - true: mean | its root mean square "
        "| truth in the 95% interval: recall of reals | of bogus | mean - true at the epoch of all |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    default = table[table["weight"] == MME["entropy_weight"]]
    for (real, bogus), each in default.groupby(["real", "bogus"]):
        error = each["promised"] - each["chosen"]
        print(
            f"| {real}, {bogus} | {len(each)} | {each['promised'].mean():.3f} | {each['chosen'].mean():.3f} "
            f"| {error.mean():+.3f} ± {error.sem():.3f} | {np.sqrt((error**2).mean()):.3f} "
            f"| {each['recall_real_inside'].sum():.0f} | {each['recall_bogus_inside'].sum():.0f} "
            f"| {(each['best_of_epochs'] - each['chosen']).mean():+.3f} |"
        )
    print(
        f"\n| labels | weight | n | before | chosen epochs, or as it was | chosen epochs "
        f"| {EPOCHS} epochs | best epoch | folds: s |"
    )
    print("|---" * 9 + "|")
    for (real, bogus, weight), each in table.groupby(["real", "bogus", "weight"]):
        means = each[["before", "chosen", "without_fallback", "last", "best"]].mean()
        cells = ["" if np.isnan(value) else f"{value:.3f}" for value in means]
        cells.append("" if each["fold_seconds"].isna().all() else f"{each['fold_seconds'].mean():.0f}")
        print(f"| {real}, {bogus} | {weight:g} | {len(each)} | {' | '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path)
    parser.add_argument(
        "--pairs", nargs="+", default=["HiTS-to-ZTF", "ZTF-to-DES", "DES-to-ATLAS", "ATLAS-to-HiTS"]
    )
    parser.add_argument("--labels", nargs="+", default=["5,5"], help="numbers: real,bogus")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--weights", nargs="+", type=float, default=[0.0, MME["entropy_weight"], 1.0])
    parser.add_argument("--output", type=Path, help="Parquet file of every line")
    parser.add_argument("--epoch-size", type=int, default=TRAINING["epoch_size"])
    parser.add_argument("--augmentation", default=AUGMENTATION["mme"], help="or none")
    arguments = parser.parse_args()
    training = {"epoch_size": arguments.epoch_size, "augmentation": arguments.augmentation}
    lines = []
    with TemporaryDirectory() as folder:
        for seed in arguments.seeds:
            for numbers in arguments.labels:
                for pair in arguments.pairs:
                    real, bogus = map(int, numbers.split(","))
                    lines += measure(
                        arguments.results,
                        pair,
                        numbers=(real, bogus),
                        seed=seed,
                        weights=arguments.weights,
                        training=training,
                        processes=cpu_count(),
                        folder=Path(folder),
                    )
                    print(lines[-1], flush=True)
                    if arguments.output:
                        pd.DataFrame(lines).to_parquet(arguments.output)
    shown(pd.DataFrame(lines))


if __name__ == "__main__":
    main()
