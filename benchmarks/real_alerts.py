"""What `stampshift adapt` makes of models of simulated surveys on real alerts. This is agreement, not truth.

    python benchmarks/real_alerts.py real-data/ --starts results/simulated/baseline/*/seed-0 --draws 10
    python benchmarks/real_alerts.py real-data/ --starts ... --reserved          # once, at the end

Real alerts and their classes are those of `scored_alerts.py`. Labels and unlabelled stamps come from the open
half of the alerts. By default so do the judges: for every draw half of the open objects of each class judge,
and the adaptation sees none of their alerts, labelled or not. With `--reserved` all of the open half may be
adapted to, and the reserved half judges: **it is scored once**, when the work on `adapt` ends.

Every draw chooses the labelled alerts anew, one of an object. Each start is adapted as `stampshift adapt`
does it, with its defaults unless an option says otherwise. The judges call the start, the model that the
command makes ("after"), the one that `--no-fallback` would make, and the one after all epochs. A start may
be a model of the package, by name; its source's stamps do not come with it, so that it takes `--methods
finetune`. A survey of too few alerts for a number of labels is left out, and the script says so; `--without
975188` leaves out the exposure through clouds of which `benchmarks/README.md` tells. Intervals are of 95%,
of the mean over the draws (Student's t): the draws share alerts and are not independent, so that they are
somewhat too narrow.
"""

import argparse
import os
import sys
import time
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch
import yaml
from joblib import cpu_count
from scipy.stats import t as student

from agreement import auc
from scored_alerts import FOLDERS, NEITHER, SURE, ScoredAlerts
from stampshift.adapting.choosing import START, choose_epochs, chosen_of, judged_scores
from stampshift.adapting.defaults import EPOCHS, EPOCHS_UNJUDGED
from stampshift.adapting.setting import Setting
from stampshift.adapting.source import starting_point
from stampshift.adapting.trainings import held_out_scores, trained_epochs
from stampshift.metrics.metrics import evaluate
from stampshift.stamps.file import BOGUS, REAL, UNLABELLED, UNLABELLED_CLASS
from stampshift.stamps.writer import stamps_writer
from stampshift.training.model import predict

CPU = torch.device("cpu")
CONFIDENCE = 0.95
MEASURES = ("auc_sure_after", "auc_after", "balanced_accuracy_after")


class Alerts(ScoredAlerts):
    """Real alerts, of which some judge and some are adapted to."""

    def judges(self, *, draw, reserved):
        """Which alerts judge: those of the reserved half, or of half of the open objects of each class."""
        if reserved:
            return self.reserved
        rng = np.random.default_rng([draw, 1])
        judging = [
            rng.permutation(objects)[: len(objects) // 2]
            for wanted in (REAL, BOGUS)
            for objects in [np.unique(self.groups[~self.reserved & (self.classes == wanted)])]
        ]
        return np.isin(self.groups, np.concatenate(judging)) & ~self.reserved

    def drawn(self, among, *, labels, draw):
        """Rows to be labelled, `labels` of each class, one of an object; None where there are too few."""
        rng, found = np.random.default_rng([draw, 2]), []
        for wanted in (REAL, BOGUS):
            rows = rng.permutation(np.flatnonzero(among & (self.classes == wanted)))
            firsts = np.sort(np.unique(self.groups[rows], return_index=True)[1])[:labels]
            if len(firsts) < labels:
                return None
            found.append(rows[firsts])
        return np.concatenate(found)

    def write(self, path, among, known):
        """A stamps file of the alerts `among`, in which those `known` alone have a label."""
        rows, labels = np.flatnonzero(among), np.full(len(self.ids), UNLABELLED)
        labels[known] = self.classes[known]
        names = {REAL: "real", BOGUS: "bogus", UNLABELLED: UNLABELLED_CLASS}
        with stamps_writer(path, survey=self.survey, size_pixels=self.stamps.shape[-1]) as writer:
            writer.append(
                self.stamps[rows],
                labels=labels[rows].astype(np.uint8),
                classes=[names[label] for label in labels[rows]],
                ids=list(self.ids[rows]),
                groups=list(self.groups[rows]),
            )
            writer.describe({"normalisation": "channel", "counts": {}, "origin": {}})
        return path

    def judged(self, classifier, judging):
        """How a classifier calls the judges of known class, and ranks those of which their score is sure."""
        rows = np.flatnonzero(judging & (self.classes != NEITHER))
        found = predict(classifier, self.stamps, rows, device=CPU).astype(float)
        low, high = SURE[self.survey]
        real = self.classes[rows] == REAL
        sure_low, sure_high = self.scores[rows] < low, self.scores[rows] > high
        return {
            "balanced_accuracy": evaluate(self.classes[rows], found)["balanced_accuracy"],
            "auc": auc(found[real], found[~real]),
            "auc_sure": auc(found[sure_high], found[sure_low]) if sure_low.any() else np.nan,
        }


def measure(survey, start, *, labels, draw, method, arguments, folder):
    """A line of results of one adaptation; None where there are too few alerts for so many labels."""
    judging = survey.judges(draw=draw, reserved=arguments.reserved)
    among = ~judging & ~survey.reserved
    known = survey.drawn(among, labels=labels, draw=draw)
    if known is None:
        return None
    target = survey.write(folder / f"{survey.survey}-{labels}-{draw}.h5", among, known)
    options = dict(arguments.options)
    if starting_point(start, stamps=None, splits=None).files is None:  # as of a source of several surveys
        options |= {name: getattr(arguments, name) for name in ("source_stamps", "source_splits")}
    setting = Setting.of_model(start, target, method=method, seed=draw, device=CPU, **options)
    begin = time.perf_counter()
    ends, promised = chosen_epochs(setting, arguments)
    line = {"survey": survey.survey, "start": name_of(start), "labels": labels, "method": method}
    line |= {"draw": draw, "pile": len(setting.few_labels.pile), "promised": promised}
    few, last = setting.few_labels, max(ends.values())
    judged = [survey.judged(setting.starting_model.classifier(CPU), judging)]
    for _, trainer, _ in trained_epochs(setting, few.labelled, few.pile, number=0, epochs=last):
        judged.append(survey.judged(trainer.classifier, judging))
    line |= {"s": time.perf_counter() - begin, "epochs": ends["after"]}
    for words, epoch in ends.items():
        line |= {f"{name}_{words}": value for name, value in judged[epoch].items()}
    return line


def chosen_epochs(setting, arguments):
    """Epochs to be judged, by what they are, and the balanced accuracy that held-out stamps promise."""
    if not setting.few_labels.folds(seed=setting.seed):
        return {"before": START, "after": EPOCHS_UNJUDGED}, np.nan
    ends = {"before": START, "after": arguments.epochs}
    if arguments.without_folds:
        return ends, np.nan
    scores = held_out_scores(setting, epochs=arguments.epochs, processes=arguments.processes, progress=False)
    rules = {name: setting.training[name] for name in ("keep", "fallback")}
    chosen = {
        words: chosen_of(choose_epochs(scores, keep=rules["keep"], fallback=fallback))
        for words, fallback in (("after", rules["fallback"]), ("no_fallback", False))
    }
    judged = judged_scores(scores, **rules)
    promised = evaluate(judged["label"].astype(int), judged["score"])["balanced_accuracy"]
    return ends | {"last": arguments.epochs} | chosen, promised


def name_of(start):
    """Name of a model of the package, or source of a run's folder, `results/baseline/<source>/seed-<s>`."""
    return start.resolve().parent.name if start.exists() else str(start)


def interval(values):
    """Mean and its interval, as text."""
    values = values.dropna()
    if len(values) < 2:
        return f"{values.mean():.3f}" if len(values) else ""
    reach = student.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * values.sem()
    return f"{values.mean():.3f} ± {reach:.3f}"


def shown(table):
    """Print what each start became, and MME against fine-tuning."""
    print(
        "\n| survey | labels | method | start | draws | AUC of the sure: before | after | change | worse "
        "| AUC of all: before | after | balanced accuracy: before | after | worse | without fallback "
        "| all epochs | promised | epochs | s |"
    )
    print("|---" * 19 + "|")
    starts = pd.concat([table, table.assign(start="mean")])
    for key, each in starts.groupby(["survey", "labels", "method", "start"], sort=False):
        if key[-1] == "mean":
            each = each.groupby("draw").mean(numeric_only=True)
        change = each["auc_sure_after"] - each["auc_sure_before"]
        cells = [*map(str, key), str(len(each)), f"{each['auc_sure_before'].mean():.3f}"]
        cells += [interval(each["auc_sure_after"]), interval(change), str(int((change < 0).sum()))]
        cells += [f"{each['auc_before'].mean():.3f}", interval(each["auc_after"])]
        before, after = each["balanced_accuracy_before"], each["balanced_accuracy_after"]
        cells += [f"{before.mean():.3f}", interval(after), str(int((after < before).sum()))]
        for words in ("no_fallback", "last"):
            name = f"balanced_accuracy_{words}"
            cells.append(interval(each[name]) if name in each else "")
        cells += [
            interval(each["promised"]),
            f"{each['epochs'].mean():.1f}",
            f"{each['s'].mean():.0f}",
        ]
        print(f"| {' | '.join(cells)} |")
    paired = table.pivot_table(
        index=["survey", "labels", "draw"],
        columns="method",
        values=list(MEASURES),
    )
    if len(table["method"].unique()) == 2:
        print(
            "\n| survey | labels | MME - fine-tuning: AUC of the sure ones | AUC of all | balanced accuracy |"
        )
        print("|---" * 5 + "|")
        for (survey, labels), each in paired.groupby(["survey", "labels"]):
            cells = [interval(each[name]["mme"] - each[name]["finetune"]) for name in MEASURES]
            print(f"| {survey} | {labels} | {' | '.join(cells)} |")


def adaptations(arguments, *, folder):
    """Lines of results, draw after draw, until the time given is over; a draw that has begun is finished."""
    without = tuple(arguments.without)
    surveys = [Alerts(arguments.data, survey=name, without=without) for name in arguments.surveys]
    begin, passed_over = time.perf_counter(), set()
    for draw in range(arguments.first_draw, arguments.first_draw + arguments.draws):
        if time.perf_counter() - begin > 60 * arguments.minutes:
            print(f"The {arguments.minutes:g} minutes are over before draw {draw}.", file=sys.stderr)
            return
        for survey, labels, method, start in product(
            surveys, arguments.labels, arguments.methods, arguments.starts
        ):
            line = measure(
                survey, start, labels=labels, draw=draw, method=method, arguments=arguments, folder=folder
            )
            if line is not None:
                print(line, file=sys.stderr)
                yield line
            elif (survey.survey, labels) not in passed_over:
                passed_over.add((survey.survey, labels))
                print(f"{survey.survey}: too few alerts for {labels} labels of each class.", file=sys.stderr)


def option(text):
    """Name and value of one option of an adaptation."""
    name, value = text.split("=")
    return name, yaml.safe_load(value)


def parsed():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = os.environ.get("STAMPSHIFT_REAL_DATA")
    parser.add_argument("data", type=Path, nargs="?", default=data and Path(data), help="of real alerts")
    parser.add_argument(
        "--starts",
        type=Path,
        nargs="+",
        required=True,
        help="folders of trained runs, among their results, or names",
    )
    parser.add_argument("--surveys", nargs="+", choices=list(FOLDERS), default=list(FOLDERS))
    parser.add_argument("--methods", nargs="+", choices=["mme", "finetune"], default=["mme", "finetune"])
    parser.add_argument("--labels", type=int, nargs="+", default=[1, 5, 10], help="of each class")
    parser.add_argument("--draws", type=int, default=10, help="of the labels")
    parser.add_argument("--first-draw", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=np.inf, help="after which no other draw begins")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument(
        "--options",
        type=option,
        nargs="*",
        default=[],
        help="of `Setting.of_model`: head=copied keep=last",
    )
    parser.add_argument(
        "--without-folds", action="store_true", help="all epochs, nothing held out: a tenth of the time"
    )
    parser.add_argument("--without", nargs="+", default=[], help="how identifiers begin that are left out")
    parser.add_argument("--source-stamps", type=Path, help="for starts whose own cannot be found")
    parser.add_argument("--source-splits", type=Path)
    parser.add_argument("--processes", type=int, default=cpu_count())
    parser.add_argument("--output", type=Path, help="Parquet file of every line")
    parser.add_argument(
        "--reserved", action="store_true", help="judge by the half that is scored once, at the end"
    )
    arguments = parser.parse_args()
    if arguments.data is None:
        sys.exit("real_alerts.py: give the folder of real alerts, or set STAMPSHIFT_REAL_DATA.")
    return arguments


def main():
    arguments, lines = parsed(), []
    with TemporaryDirectory() as folder:
        for line in adaptations(arguments, folder=Path(folder)):
            lines.append(line)
            if arguments.output:
                pd.DataFrame(lines).to_parquet(arguments.output)
    shown(pd.DataFrame(lines))


if __name__ == "__main__":
    main()
