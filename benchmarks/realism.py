"""How real the simulated surveys are: what tells their stamps from real alerts, and how well it does.

    python benchmarks/realism.py real-data/                    # or with STAMPSHIFT_REAL_DATA set
    python benchmarks/realism.py real-data/ --models results/simulated/baseline/*/seed-0/model.pt

Real alerts, their classes and their two halves are those of `scored_alerts.py`. Simulated stamps are drawn
here and pass the survey's reader; both are preprocessed as for training, to 21 pixels. For each class:

- the domain classifier: proxy A-distance of the statistics below, and the AUC of two random forests, of the
  statistics and of the pixels, cross-validated with the alerts of an object in one fold; 0.5 is a simulation
  that cannot be told from reality, 1 one that always can;
- the statistics that differ most: medians, and the Kolmogorov-Smirnov distance of their distributions;
- the pixels that differ most, by channel and distance from the centre;
- with `--models`, how well models of simulated stamps rank real alerts; intervals of 95% (bootstrap) take
  the alerts for independent. `--without 975188` leaves out identifiers that begin so: alerts of one exposure.

Everything here is of the open half, unless `--reserved` asks for the other, once, at the end.
"""

import argparse
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch
from scipy.stats import ks_2samp
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from agreement import correlation, separation
from scored_alerts import FOLDERS, SCORE, SIZE, SURE, ScoredAlerts, settings
from stampshift.alerts.dialects import DIALECTS
from stampshift.simulation import read_constants, simulate_survey
from stampshift.simulation.streams import TRUTH
from stampshift.stamps.file import BOGUS, CHANNELS, REAL
from stampshift.stamps.preprocessing import preprocess
from stampshift.surveys import READERS
from stampshift.tables.domain_shift import proxy_a_distance
from stampshift.training.model import Model, predict

# Simulated for the comparison: as many bogus as real, and those classes of real alerts that the samples hold.
# 19 of ZTF's 501 are at the place of a known object of the solar system, about half are known variables.
CLASSES = {
    "ZTF": {"AGN": 40, "SN": 10, "VS": 45, "asteroid": 5, "bogus": 100},
    "Rubin": {"real": 1, "bogus": 1},
}
FRAME_PIXELS = 7  # from here on out a stamp shows its background
FEWEST = 10  # real alerts of a class, below which nothing is classified
SHOWN = 12  # statistics


def simulated_stamps(survey, *, stamps, seed):
    """Stamps and labels of a simulated archive, through the survey's own reader, and stamps per second."""
    constants = read_constants(survey) | {"archive_counts": CLASSES[survey]}
    with TemporaryDirectory() as name:
        begin = time.process_time()
        simulate_survey(survey, stamps=stamps, seed=seed, constants=constants, folder=Path(name), processes=1)
        rate = stamps / (time.process_time() - begin)
        options = {"labels": f"{name}/{TRUTH}"} if survey == "Rubin" else {}
        invalid = DIALECTS[survey].invalid
        reader = READERS["packets" if survey == "Rubin" else survey.lower()](options, invalid)
        classes = {each: "bogus" if each == "bogus" else "real" for each in constants["recipes"]}
        block = preprocess(list(reader.candidates([Path(name)])), settings(classes, invalid))
    return block.stamps, block.labels.astype(int), rate


def statistics(stamps):
    """What a stamp (n, 3, 21, 21) of mean 0 and deviation 1 looks like, a row of numbers each."""
    middle, radius = SIZE // 2, distances()
    columns = {}
    for channel, name in enumerate(CHANNELS):
        image = stamps[:, channel].astype(float)
        flat, core = image.reshape(len(image), -1), image[:, middle - 3 : middle + 4, middle - 3 : middle + 4]
        frame = image[:, radius >= FRAME_PIXELS]
        median = np.median(frame, axis=1)
        scatter = 1.4826 * np.median(np.abs(frame - median[:, None]), axis=1)
        clipped = np.clip((image - median[:, None, None]) / np.maximum(scatter, 1e-9)[:, None, None], -3, 3)
        values = {
            "centre": image[:, middle, middle],
            "peak": flat.max(1),
            "trough": flat.min(1),
            "highest near the centre": core.max((1, 2)),
            "lowest near the centre": core.min((1, 2)),
            "shoulder of the peak": shoulder(image),
            "noise in the frame": scatter,
            "neighbour correlation": neighbours(image, np.ones_like(radius, bool), "both"),
            "neighbour correlation of the noise": neighbours(clipped, radius >= FRAME_PIXELS, "both"),
            "correlation along columns - rows": neighbours(image, np.ones_like(radius, bool), "difference"),
            "share of one value": (np.abs(flat - np.median(flat, axis=1)[:, None]) == 0).mean(1),
        }
        columns |= {f"{name}: {key}": value for key, value in values.items()}
    template, science, difference = np.moveaxis(stamps.reshape(len(stamps), len(CHANNELS), -1), 1, 0)
    pairs = {
        "template and science": (template, science),
        "science and difference": (science, difference),
        "template and difference": (template, difference),
    }
    columns |= {f"correlation of {key}": (one * other).mean(1) for key, (one, other) in pairs.items()}
    return pd.DataFrame(columns).astype(float)


def distances():
    """Distance of every pixel from the central one."""
    return np.hypot(*(np.indices((SIZE, SIZE)) - SIZE // 2))


def shoulder(image):
    """Mean of the four neighbours of the pixel that deviates most within 3 pixels of the centre, over it."""
    middle = SIZE // 2
    core = np.abs(image[:, middle - 3 : middle + 4, middle - 3 : middle + 4]).reshape(len(image), -1)
    rows, columns = (place + middle - 3 for place in np.unravel_index(core.argmax(1), (7, 7)))
    each = np.arange(len(image))
    around = sum(
        image[each, rows + down, columns + right] for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0))
    )
    peak = image[each, rows, columns]
    return around / 4 / np.where(peak == 0, 1, peak)


def neighbours(image, chosen, kind):
    """Correlation of neighbouring pixels among the `chosen`: mean of both axes, or columns minus rows."""
    found = []
    for axis in (1, 2):
        first, second = (
            np.take(image, range(start, SIZE - 1 + start), axis=axis)[
                :, np.take(chosen, range(SIZE - 1), axis - 1) & np.take(chosen, range(1, SIZE), axis - 1)
            ]
            for start in (0, 1)
        )
        first, second = (each - each.mean(1, keepdims=True) for each in (first, second))
        power = np.sqrt((first**2).sum(1) * (second**2).sum(1))
        found.append((first * second).sum(1) / np.maximum(power, 1e-12))
    return (found[0] + found[1]) / 2 if kind == "both" else found[0] - found[1]


def domain_auc(real, simulated, groups):
    """AUC of a forest that tells real alerts (n, features) from simulated ones, objects in one fold."""
    features = np.concatenate([real, simulated])
    domain = np.repeat([1, 0], [len(real), len(simulated)])
    groups = np.concatenate([groups, [f"simulated {row}" for row in range(len(simulated))]])
    forest = RandomForestClassifier(300, min_samples_leaf=2, class_weight="balanced", random_state=0)
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    found = cross_val_predict(forest, features, domain, groups=groups, cv=folds, method="predict_proba")
    return roc_auc_score(domain, found[:, 1])


def class_report(real, groups, simulated):
    """Domain classifiers and the differences behind them, for the stamps of one class."""
    one, other = statistics(real), statistics(simulated)
    pixels = [np.arcsinh(stamps.reshape(len(stamps), -1)) for stamps in (real, simulated)]
    distance = proxy_a_distance(one.to_numpy(), other.to_numpy())
    of_statistics, of_pixels = domain_auc(one, other, groups), domain_auc(*pixels, groups)
    print(f"\nDomain classifier: A-distance {distance:.2f}; AUC of a forest of the statistics")
    print(f"{of_statistics:.3f}, of the pixels {of_pixels:.3f}.")
    rows = [(ks_2samp(one[name], other[name]).statistic, name) for name in one]
    print("\n| statistic | real: 10, 50, 90% | simulated: 10, 50, 90% | KS |\n|---|---|---|---|")
    for distance, name in sorted(rows, reverse=True)[:SHOWN]:
        cells = [" ".join(f"{v:.2f}" for v in np.quantile(t[name], [0.1, 0.5, 0.9])) for t in (one, other)]
        print(f"| {name} | {' | '.join(cells)} | {distance:.2f} |")
    print("\n| KS of pixels at distance | 0-1 | 1-3 | 3-5 | 5-7 | 7-10 | above 10 |\n" + "|---" * 7 + "|")
    ring = np.digitize(distances().ravel(), [1, 3, 5, 7, 10])
    for channel, name in enumerate(CHANNELS):
        both = [stamps[:, channel].reshape(len(stamps), -1) for stamps in (real, simulated)]
        apart = np.array([ks_2samp(*(each[:, pixel] for each in both)).statistic for pixel in range(SIZE**2)])
        print(
            f"| {name} | " + " | ".join(f"{apart[ring == number].mean():.2f}" for number in range(6)) + " |"
        )


def model_report(paths, stamps, labels, scores, *, survey):
    """How models rank real alerts: those of which the survey's own score is sure, and all."""
    low, high = SURE[survey]
    sure = f"AUC, `{SCORE[survey]}` > {high} against < {low}"
    print(f"\n| model | {sure} | AUC of the classes above | rank correlation |\n|---|---|---|---|")
    for path in paths:
        classifier = Model.open(path).classifier(torch.device("cpu"))
        found = pd.Series(predict(classifier, stamps, np.arange(len(stamps)), device=torch.device("cpu")))
        cells = [
            separation(found[scores > high], found[scores < low]),
            separation(found[labels == REAL], found[labels == BOGUS]),
            correlation(found, pd.Series(scores)),
        ]
        print(f"| {path} | {' | '.join(cells)} |")


def survey_report(folder, arguments, *, survey):
    half = "reserved" if arguments.reserved else "open"
    alerts = ScoredAlerts(folder, survey=survey, without=tuple(arguments.without))
    rows = np.flatnonzero((alerts.reserved == arguments.reserved) & np.isfinite(alerts.scores))
    stamps, labels, groups = alerts.stamps[rows], alerts.classes[rows], alerts.groups[rows]
    drawn, classes, rate = simulated_stamps(survey, stamps=arguments.stamps, seed=arguments.seed)
    print(f"\n## {survey}, {half} half: {len(stamps)} alerts; simulated at {rate:.0f} stamps/s of one core")
    for label, name in ((REAL, "real"), (BOGUS, "bogus")):
        chosen = labels == label
        print(f"\n### {survey}, {name}: {chosen.sum()} alerts, {(classes == label).sum()} simulated")
        if chosen.sum() < FEWEST:
            print(f"\nToo few alerts: at least {FEWEST} are needed.")
        else:
            class_report(stamps[chosen], groups[chosen], drawn[classes == label])
    if arguments.models:
        model_report(arguments.models, stamps, labels, alerts.scores[rows], survey=survey)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = os.environ.get("STAMPSHIFT_REAL_DATA")
    parser.add_argument("data", type=Path, nargs="?", default=data and Path(data), help="of real alerts")
    parser.add_argument("--surveys", nargs="+", choices=list(FOLDERS), default=list(FOLDERS))
    parser.add_argument("--stamps", type=int, default=3000, help="simulated stamps per survey")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--models", nargs="+", type=Path, default=[], help="model.pt of trained runs")
    parser.add_argument("--without", nargs="+", default=[], help="how identifiers begin that are left out")
    parser.add_argument(
        "--reserved", action="store_true", help="the half that is scored once, instead of the open one"
    )
    arguments = parser.parse_args()
    if arguments.data is None:
        sys.exit("realism.py: give the folder of real alerts, or set STAMPSHIFT_REAL_DATA.")
    for survey in arguments.surveys:
        survey_report(arguments.data, arguments, survey=survey)


if __name__ == "__main__":
    main()
