"""How many stamps four detectors flag: of the model's own survey, of others, and made wrong on purpose.

    python benchmarks/out_of_distribution.py results/simulated --seeds 0 1

The detectors, each flagging the 1% of the held-out stamps of the survey that are least like the training's:

similarity     cosine of the features with the nearer mean of a class (what the scores file has)
head           cosine with the nearer prototype of the head, where it has prototypes
features       Mahalanobis distance of the features to the nearer class
activations    Mahalanobis distance of the convolutional layers' mean activations (what the flag is)

Models are the baselines and the adapted models of the most shots of a finished experiment. A line is the
share flagged, mean over models; in brackets the lowest and highest of a model.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn import functional

from stampshift.release.exporting import QUANTILE
from stampshift.release.faulty import FAULTS
from stampshift.release.onnx_file import exposed_layers
from stampshift.release.outliers import Outliers
from stampshift.release.reference import limit
from stampshift.release.trained_run import open_run
from stampshift.stamps.file import Stamps
from stampshift.stamps.splits import Splits

TESTED = 1000  # stamps of each kind, at most


def runs(results, seeds, methods):
    for seed in seeds:
        yield from sorted(results.glob(f"baseline/*/seed-{seed}/model.pt"))
        for method in methods:
            for pair in sorted((results / method).glob("*-to-*")):
                most = max(pair.glob("shots-*"), key=lambda path: int(path.name.removeprefix("shots-")))
                yield most / f"seed-{seed}" / "model.pt"


def detectors(outputs, head):
    """Functions of a network's outputs, larger for what is less like the training stamps."""
    ours = Outliers.fit(outputs)
    of_features = Outliers.fit(outputs._replace(activations=outputs.features))
    found = {
        "similarity": lambda new: -ours(new.features, new.activations)[0],
        "features": lambda new: of_features(new.features, new.features)[1],
        "activations": lambda new: ours(new.features, new.activations)[1],
    }
    if head is not None:
        rows = functional.normalize(head)
        found["head"] = lambda new: -(functional.normalize(new.features) @ rows.T).amax(dim=1)
    return found


def kinds(results, home, others, seed):
    """Test stamps by what they are to the model."""
    generator = np.random.default_rng(0)

    def tested(name):
        rows = Splits.open(results / "splits" / name / f"seed-{seed}.npz").test
        return Stamps.open(results / "stamps" / f"{name}.h5").stamps[rows[:TESTED]]

    own = tested(home)
    yield "its own survey, test part", own
    for name in others:
        yield "a survey it has never seen", tested(name)
    for name, fault in FAULTS.items():
        yield name, fault(own, generator)


def measure(model, results):
    run = open_run(model.parent)
    classifier = run.model.classifier(torch.device("cpu"))
    surveys = {each.name: each for each in run.surveys}
    home = surveys[run.metrics["target"] or run.metrics["source"]]
    trained = np.concatenate([each.sample(each.train) for each in run.surveys])
    weight = run.model.state.get("head.prototypes.weight")
    found = detectors(exposed_layers(classifier, trained), weight)
    fair = home.unlabelled if len(home.unlabelled) > len(home.validation) else home.validation
    reference = exposed_layers(classifier, home.stamps.stamps[fair])
    limits = {
        name: limit(detector(reference).numpy(), quantile=QUANTILE)[0] for name, detector in found.items()
    }
    others = [path.stem for path in sorted(results.glob("stamps/*.h5")) if path.stem not in surveys]
    for kind, stamps in kinds(results, home.name, others, run.metrics["seed"]):
        layers = exposed_layers(classifier, stamps)
        for name, detector in found.items():
            yield {
                "model": "baseline" if run.metrics["target"] is None else "adapted",
                "kind": kind,
                "detector": name,
                "flagged": float((detector(layers) > limits[name]).float().mean()),
            }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--methods", nargs="*", default=["finetune", "mme"])
    arguments = parser.parse_args()
    lines = []
    for model in runs(arguments.results, arguments.seeds, arguments.methods):
        lines += measure(model, arguments.results)
    table = pd.DataFrame(lines)
    for model, rows in table.groupby("model", sort=False):
        spread = rows.groupby(["kind", "detector"], sort=False)["flagged"].agg(["mean", "min", "max"])
        cells = spread.apply(lambda row: f"{row['mean']:.2f} ({row['min']:.2f}-{row['max']:.2f})", axis=1)
        columns = [
            name
            for name in ("similarity", "head", "features", "activations")
            if name in set(rows["detector"])
        ]
        print(f"\n{model}:\n\n{cells.unstack(sort=False)[columns].to_markdown()}")


if __name__ == "__main__":
    main()
