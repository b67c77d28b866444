"""Whether `stampshift suggest` saves labels, and which of its strategies.

    python benchmarks/suggesting.py results/simulated

For pairs of surveys of a finished experiment, and for every seed, a pool of the target's train part stands
for a new survey without labels. A strategy chooses the first stamps by the source's model; these get their
labels, `stampshift adapt`'s training (its defaults without a verdict, so without folds) adapts the source's
model, and the adapted model chooses the next ones. The test part, of other objects, gives the balanced
accuracy. All strategies share pool, model and random streams. While one class has no label, nothing can be
adapted and the model stays as it was, as for a user.

Two tables: accuracies by the number of labels; and against random, the paired difference with its 95%
interval over seeds (bootstrap), and how many random labels reach the same mean accuracy.
"""

import argparse
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from joblib import cpu_count

from stampshift.adapting.defaults import EPOCHS_UNJUDGED, MME, TRAINING
from stampshift.adapting.setting import Setting
from stampshift.adapting.trainings import final_training
from stampshift.core.parallel import ordered_map
from stampshift.metrics.metrics import evaluate
from stampshift.release.run_files import RunFiles
from stampshift.scoring.suggestions import STRATEGIES, suggest
from stampshift.stamps.file import REAL, UNLABELLED, Stamps
from stampshift.stamps.splits import Splits
from stampshift.training.model import Model, in_batches, predict

CPU = torch.device("cpu")
POOL = 1000  # stamps
DRAWS = 10_000  # of the bootstrap


class Judging:
    """A model as `suggest` asks a released one, not calibrated: the order of its certainty is the same."""

    def __init__(self, model: Model) -> None:
        self._classifier = model.classifier(CPU)

    def features(self, stamps, rows):
        def outputs(block):
            features = self._classifier.extractor(block)
            scores = self._classifier.head(features).softmax(dim=1)[:, [REAL]]
            return torch.cat([scores, features], dim=1)

        found = in_batches(outputs, stamps, rows, outputs=(1 + self._classifier.n_features,), device=CPU)
        return found[:, 0], found[:, 1:]


def taken(stamps, rows):
    """Some rows of stamps, in memory."""
    names = ("stamps", "labels", "classes", "ids", "groups", "fingerprints")
    return replace(stamps, **{name: getattr(stamps, name)[rows] for name in names})


def adapted(setting, known):
    """The model that `adapt` makes of the labels that are known."""
    vars(setting)["target_stamps"] = known  # in place of a file for every round
    return final_training(setting, epochs=EPOCHS_UNJUDGED, progress=False)[0]


def curve(work, *, results, rounds, method, epoch_size):
    """Accuracy after each round of labels of one strategy."""
    pair, seed, strategy = work
    source, target = pair.split("-to-")
    split = seed % len(list((results / "splits" / target).glob("seed-*.npz")))
    files = RunFiles(results / "stamps" / f"{source}.h5", results / "splits" / source / f"seed-{split}.npz")
    stamps = Stamps.open(results / "stamps" / f"{target}.h5")
    splits = Splits.open(results / "splits" / target / f"seed-{split}.npz")
    test = splits.test
    pool = taken(stamps, np.random.default_rng(seed).choice(splits.train, POOL, replace=False))
    start = results / "baseline" / source / f"seed-{split}" / "model.pt"
    labels = np.full(POOL, UNLABELLED, np.uint8)
    model = Model.open(start)
    for number in [0, *rounds]:
        if number:
            count = number - int((labels != UNLABELLED).sum())
            known = replace(pool, labels=labels)
            rows = suggest(Judging(model), known, count=count, strategy=strategy, seed=seed)["row"].to_numpy()
            labels[rows] = pool.labels[rows]
        if len(np.unique(labels)) == 3:  # both classes, and stamps without a label
            setting = Setting(
                model=start, source=files, target=start, method=method,
                options=MME if method == "mme" else {}, training=TRAINING | {"epoch_size": epoch_size},
                seed=seed, device=CPU,
            )  # fmt: skip
            model = adapted(setting, replace(pool, labels=labels.copy()))
        found = evaluate(stamps.labels[test], predict(model.classifier(CPU), stamps.stamps, test, device=CPU))
        line = {"pair": pair, "seed": seed, "strategy": strategy, "labels": number}
        line |= {"accuracy": found["balanced_accuracy"], "real": int((labels == REAL).sum())}
        yield line


def lines(work, **options):
    return list(curve(work, **options))


def interval(differences):
    """Mean over seeds and its 95% interval."""
    draws = np.random.default_rng(0).choice(differences, (DRAWS, len(differences))).mean(axis=1)
    return f"{differences.mean():+.3f} ({np.quantile(draws, 0.025):+.3f}, {np.quantile(draws, 0.975):+.3f})"


def as_many_of_random(mean, random):
    """Number of random labels at which their mean curve first reaches an accuracy."""
    counts, curve = random.index.to_numpy(), random.to_numpy()
    if mean > curve.max():
        return f"over {counts[-1]}"
    first = int((curve >= mean).argmax())
    part = slice(max(first - 1, 0), first + 1)
    return f"{np.interp(mean, curve[part], counts[part]):.0f}"


def shown(table):
    rounds = sorted(table["labels"].unique())
    for pair, of_pair in table.groupby("pair", sort=False):
        wide = of_pair.pivot(index="seed", columns=["strategy", "labels"], values="accuracy").dropna()
        one_class = of_pair[of_pair["real"].isin([0]) | (of_pair["real"] == of_pair["labels"])]
        print(f"\n{pair}, {len(wide)} seeds: mean balanced accuracy by number of labels")
        print(f"\n| strategy | {' | '.join(map(str, rounds))} | times with one class alone, of all |")
        print("|---|" + "---|" * (len(rounds) + 1))
        for strategy in STRATEGIES:
            cells = [f"{wide[strategy, number].mean():.3f}" for number in rounds]
            alone = one_class[(one_class["strategy"] == strategy) & (one_class["labels"] > 0)]
            print(f"| {strategy} | {' | '.join(cells)} | {len(alone)} of {len(wide) * (len(rounds) - 1)} |")
        print("\n| strategy | labels | - random | as many random labels |")
        print("|---|---|---|---|")
        for strategy in (name for name in STRATEGIES if name != "random"):
            for number in rounds[1:]:
                ours, random = wide[strategy, number], wide["random"]
                many = as_many_of_random(ours.mean(), random.mean())
                print(f"| {strategy} | {number} | {interval(ours - random[number])} | {many} |")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path)
    parser.add_argument("--pairs", nargs="+", default=["HiTS-to-ZTF", "DES-to-HiTS"])
    parser.add_argument("--rounds", nargs="+", type=int, default=[5, 10, 20, 40], help="labels in all")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--method", choices=["mme", "finetune"], default="mme")
    parser.add_argument("--epoch-size", type=int, default=TRAINING["epoch_size"])
    parser.add_argument("--processes", type=int, default=cpu_count())
    parser.add_argument("--output", type=Path, help="Parquet file of every line, written as they come")
    arguments = parser.parse_args()
    works = list(product(arguments.pairs, range(arguments.seeds), STRATEGIES))
    options = {"results": arguments.results, "rounds": arguments.rounds}
    options |= {"method": arguments.method, "epoch_size": arguments.epoch_size}
    found = []
    for each in ordered_map(partial(lines, **options), works, processes=arguments.processes):
        found += each
        if arguments.output:
            pd.DataFrame(found).to_parquet(arguments.output)
    shown(pd.DataFrame(found))


if __name__ == "__main__":
    main()
