"""Agreement of released models with the surveys' own scores on real alerts. This is agreement, not truth.

    python benchmarks/agreement.py hits-model/ ztf-model/ --alerts nights/

Each model scores the alerts with the package's `score`; lines are joined with the packets' own scores by
survey and candid, each candid counted once. These are ZTF's `drb` (braai, Duev et al. 2019) and its older
`rb`, and Rubin's `reliability`: classifiers themselves, right or wrong, so that no figure here is an
accuracy. The nearest thing to truth in ZTF's packets is a known solar-system object within 5 arcsec
(`ssdistnr`). Intervals are of 95%: exact ones of shares, percentiles of a bootstrap of correlations and AUC;
both take alerts for independent, though some are of one object.
"""

import argparse
import gzip
import io
import sys
import tempfile
from pathlib import Path

import fastavro
import pandas as pd
import pyarrow.parquet as pq
from joblib import cpu_count
from scipy.stats import bootstrap, mannwhitneyu, spearmanr

from stampshift import alerts
from stampshift.alerts.avro import MAGIC
from stampshift.alerts.containers import Packets, Stored
from stampshift.formats.inflating import GZIP_MAGIC
from stampshift.metrics.metrics import THRESHOLD
from stampshift.release.released import OUT_OF_DISTRIBUTION, ReleasedModel
from stampshift.release.threshold import rate
from stampshift.scoring.score import score
from stampshift.scoring.scores_file import read_scores

LOW, HIGH = 0.1, 0.9  # below and above, a survey's score is sure of itself
NEAR_ARCSEC = 5.0
OBJECT = "solar-system object"
FEWEST = 10  # on each side, below which no AUC or correlation is given
CONFIDENCE = 0.95
RESAMPLES = 1000
OWN_SCORES = (("ZTF", "drb"), ("ZTF", "rb"), ("Rubin", "reliability"))


def records(paths):
    """Packets in all their fields, as far as they can be read; those in wire format are passed over."""
    for path in alerts.files(paths):
        pieces = (piece for unit in alerts.units([path]) for piece in unit.pieces)
        for readable in [path] if path.suffix == ".parquet" else pieces:
            try:
                yield from of_table(readable) if readable is path else of_containers(readable)
            except Exception as error:  # a damaged file makes the libraries raise anything
                print(f"{path}: cannot be read completely ({error!r})", file=sys.stderr)


def of_table(path):
    with pq.ParquetFile(path) as table:
        for batch in table.iter_batches(batch_size=64, columns=["candid", "candidate", "diaSource"]):
            yield from batch.to_pylist()


def of_containers(piece):
    match piece:
        case Stored(place):
            content = Path(place).read_bytes()
        case Packets(_, _, content):
            pass
        case _:
            return
    content = gzip.decompress(content) if content.startswith(GZIP_MAGIC) else content
    if content.startswith(MAGIC):
        yield from fastavro.reader(io.BytesIO(content))


def published(paths):
    """A line per alert of ZTF and Rubin: survey, id, its own scores, and whether a known object is there."""
    lines = []
    for record in records(paths):
        if source := record.get("diaSource"):
            line = {"survey": "Rubin", "id": str(source["diaSourceId"])}
            lines.append(line | {"reliability": source.get("reliability")})
        elif "rcid" in (candidate := record.get("candidate") or {}):
            own = {name: candidate.get(name) for name in ("drb", "rb")}
            # brokers fill in 0 where a packet is older than the model, and no version
            own = {name: None if candidate.get(f"{name}version") == "" else own[name] for name in own}
            near = 0 <= (-1 if candidate.get("ssdistnr") is None else candidate["ssdistnr"]) <= NEAR_ARCSEC
            identifier = record.get("candid") or candidate["candid"]
            lines.append({"survey": "ZTF", "id": str(identifier), OBJECT: near} | own)
    columns = ["survey", "id", OBJECT, *(name for _, name in OWN_SCORES)]
    return pd.DataFrame(lines, columns=columns).drop_duplicates(["survey", "id"])


def joined(scores, own):
    """Lines of a scores file, each candid once, with the packets' own scores."""
    return scores.drop_duplicates(["survey", "id"]).merge(own, on=["survey", "id"], validate="1:1")


def agreement(scores, own, *, name):
    """Rows of the report for a model's scores and a survey's own ones, of the same alerts, none missing."""
    real, their_real = scores >= THRESHOLD, own >= THRESHOLD
    return {
        f"`{name}` >= 0.5, called real": share((real & their_real).sum(), their_real.sum()),
        f"`{name}` < 0.5, called bogus": share((~real & ~their_real).sum(), (~their_real).sum()),
        "same side of 0.5": share((real == their_real).sum(), len(own)),
        "same side, if all were called real": f"{their_real.mean():.2f}",
        "Spearman's rank correlation": correlation(scores, own),
        f"AUC, `{name}` >= 0.5 against < 0.5": separation(scores[their_real], scores[~their_real]),
        f"AUC, `{name}` > {HIGH} against < {LOW}": separation(scores[own > HIGH], scores[own < LOW]),
    }


def auc(high, low, axis=-1):
    """Probability that an alert of `high` has the larger score than one of `low`, ties counted half."""
    pairs = high.shape[axis] * low.shape[axis]
    return mannwhitneyu(high, low, axis=axis, method="asymptotic").statistic / pairs


def separation(high, low):
    counts = f"{len(high)} against {len(low)}"
    if min(len(high), len(low)) < FEWEST:
        return f"too few: {counts}"
    return f"{with_interval(auc, high, low, vectorized=True)}, {counts}"


def correlation(scores, own):
    if len(own) < FEWEST:
        return f"too few: {len(own)}"
    return with_interval(lambda one, other: spearmanr(one, other).statistic, scores, own, paired=True)


def with_interval(statistic, *samples, **options):
    samples = [sample.to_numpy(float) for sample in samples]
    options |= {"n_resamples": RESAMPLES, "batch": 10, "confidence_level": CONFIDENCE}
    drawn = bootstrap(samples, statistic, method="percentile", rng=0, **options)
    interval = drawn.confidence_interval
    return f"{statistic(*samples):.2f} ({interval.low:.2f} to {interval.high:.2f})"


def share(count, of):
    if not of:
        return "0 of 0"
    found = rate(int(count), int(of))
    return f"{count} of {of}: {found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def column(table, *, survey, name):
    """All rows of one model and one of a survey's own scores."""
    rows = table[(table["survey"] == survey) & table[name].notna()]
    scored = rows[rows["score"].notna()]
    found = {f"alerts with `{name}`": len(rows), "scored": len(scored)}
    found |= agreement(scored["score"], scored[name], name=name)
    near = scored[scored[OBJECT].eq(True)]
    if len(near):
        real = (near["score"] >= THRESHOLD).sum()
        found["known solar-system objects called real"] = share(real, len(near))
    odd = (scored["flag"] == OUT_OF_DISTRIBUTION).sum()
    return found | {"flagged out of distribution": share(odd, len(scored))}


def scored_by(release, paths, *, schemas, processes):
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "scores.parquet"
        options = {
            "survey": None,
            "threshold": None,
            "overwrite": False,
            "progress": True,
            "unit_minutes": 10,
        }
        options |= {"schemas": schemas, "processes": processes}
        score(release, paths, output=output, **options)
        return read_scores(output)


def report(tables):
    """Markdown of all models' joined tables, by the name of the model."""
    for survey, name in OWN_SCORES:
        columns = {model: column(table, survey=survey, name=name) for model, table in tables.items()}
        any_model = next(iter(tables.values()))
        if not any_model[any_model["survey"] == survey][name].notna().any():
            continue
        if name == "drb":
            scored = any_model[any_model[["drb", "rb", "score"]].notna().all(axis=1)]
            older = agreement(scored["rb"], scored["drb"], name="drb")
            columns["`rb`, for comparison"] = {"scored": len(scored)} | older
        table = pd.DataFrame(columns).fillna("").rename_axis(f"{survey}'s `{name}`")
        yield table.to_markdown(disable_numparse=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("releases", type=Path, nargs="+", help="folders of `stampshift export`")
    parser.add_argument("--alerts", type=Path, nargs="+", required=True, help="files and folders of packets")
    parser.add_argument("--schemas", type=Path, help="folder of schemas, for packets without one")
    parser.add_argument("--processes", type=int, default=cpu_count())
    arguments = parser.parse_args()
    own, tables, simulated = published(arguments.alerts), {}, []
    for release in arguments.releases:
        options = {"schemas": arguments.schemas, "processes": arguments.processes}
        scores = scored_by(release, arguments.alerts, **options)
        tables[release.name] = joined(scores, own)
        simulated += [release.name] if ReleasedModel.open(release).contract.simulated else []
    counts = tables[release.name]["survey"].value_counts()
    found = ", ".join(f"{count} different alerts of {survey}" for survey, count in counts.items())
    print(f"{len(scores)} packets; {found or 'none of ZTF or Rubin'}")
    print(f"models of simulated surveys: {', '.join(simulated) or 'none'}")
    print("The surveys' own scores come from classifiers too: this is agreement, not truth.")
    for table in report(tables):
        print(f"\n{table}")


if __name__ == "__main__":
    main()
