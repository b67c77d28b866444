"""How a night's scores differ from those of the stamps that a released model knows.

The reference of a survey is the larger part of its reference stamps (`reference.fair_part`). A survey that
the model does not know is compared with the model's own survey, and the report says so.

A night has another share of reals than any training set, which alone changes the distribution of scores.
So similarity and distance are also compared among the stamps called real and among those called bogus: where
these differ, the stamps themselves do.

Large nights make any difference significant. A difference is therefore reported by its size, the largest
distance of the two cumulative distributions (Kolmogorov-Smirnov), beside the size that two samples of this
many stamps of *one* distribution would exceed once in ten thousand times. Below the latter it is chance;
above, it is called drift only if it is at least `NOTABLE`.
"""

import io
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import ks_2samp, kstwo

from stampshift.core.templates import render
from stampshift.figures.style import METADATA, mark_simulated
from stampshift.metrics.metrics import THRESHOLD
from stampshift.release.reference import fair_part
from stampshift.release.released import OUT_OF_DISTRIBUTION, ReleasedModel
from stampshift.release.threshold import rate
from stampshift.scoring.scores_file import SEPARATOR

TEMPLATE = Path(__file__).with_name("drift.html.jinja")
QUANTITIES = ("score", "similarity", "distance")
CHANCE = 1e-4  # probability that one distribution looks like two; a night has several of them
NOTABLE = 0.1  # share of the stamps that differ
BLIND = 0.2  # of chance, beyond which the report says that a drift may go unseen
EXCESS = 2.0  # times the expected share of outliers, from which on there are too many
FEWEST = 30  # stamps, below which nothing is compared
CURVE_POINTS = 401
CHANCE_WORD, SLIGHT, DRIFT, TOO_FEW = "chance", "slight", "drift", "too few stamps"


def drift_report(
    scores: pd.DataFrame, *, release: ReleasedModel, threshold: float = THRESHOLD
) -> dict[str, Any]:
    """Compare a night, of `scores_file.read_scores`, with the reference of the model that scored it.

    A stamp is called real from the threshold on.

    Returns
    -------
    dict
        JSON content: ``model``, ``simulated``, ``threshold``, ``findings`` (sentences) and ``surveys``: of
        each ``stamps``, ``scored``, ``reference``, ``called_real`` and ``reference_called_real``,
        ``out_of_distribution`` with the share ``expected``, ``flags`` and ``distributions``.
    """
    surveys = {
        str(survey): _survey(str(survey), rows, release=release, threshold=threshold)
        for survey, rows in scores.groupby("survey", sort=True)
    }
    return {
        "model": release.folder.name,
        "simulated": release.contract.simulated,
        "threshold": threshold,
        "findings": [sentence for name, found in surveys.items() for sentence in _findings(name, found)],
        "surveys": surveys,
    }


def compared(night: NDArray[np.float64], reference: NDArray[np.float64]) -> dict[str, Any]:
    """Kolmogorov-Smirnov distance of two samples, with the distance that chance alone would give.

    Returns
    -------
    dict
        ``night`` and ``reference`` (numbers of values), ``ks``, ``chance`` (which two samples of one
        distribution exceed with probability `CHANCE`), ``p_value`` and ``verdict``; the numbers are None
        where there are too few values.
    """
    sizes = {"night": len(night), "reference": len(reference)}
    if min(sizes.values()) < FEWEST:
        return sizes | {"ks": None, "chance": None, "p_value": None, "verdict": TOO_FEW}
    found = ks_2samp(night, reference, method="asymp")
    # as scipy's p-value: the one-sample distribution for the effective number of values
    effective = max(1, round(len(night) * len(reference) / (len(night) + len(reference))))
    chance = float(kstwo.ppf(1 - CHANCE, effective))
    distance = float(found.statistic)
    verdict = CHANCE_WORD if distance <= chance else DRIFT if distance >= NOTABLE else SLIGHT
    return sizes | {"ks": distance, "chance": chance, "p_value": float(found.pvalue), "verdict": verdict}


def curves(scores: pd.DataFrame, *, release: ReleasedModel) -> pd.DataFrame:
    """Cumulative distributions of night and reference: the table that the figure draws.

    Returns
    -------
    pandas.DataFrame
        Columns ``survey``, ``quantity``, ``sample`` (``"night"`` or ``"reference"``), ``stamps``, ``ks``,
        ``verdict``, ``share`` (cumulative, 0 to 1) and ``value``.
    """
    shares, parts = np.linspace(0, 1, CURVE_POINTS), []
    for survey, rows in scores.groupby("survey", sort=True):
        known = _reference(str(survey), release)[1]
        for quantity in _quantities(rows):
            night, reference = _values(rows, quantity), _values(known, quantity)
            found = compared(night, reference)
            line = {
                "survey": str(survey),
                "quantity": quantity,
                "ks": found["ks"],
                "verdict": found["verdict"],
            }
            for sample, values in {"night": night, "reference": reference}.items():
                if len(values):
                    curve = {"sample": sample, "stamps": len(values), "share": shares}
                    parts.append(pd.DataFrame(line | curve | {"value": np.quantile(values, shares)}))
    return pd.concat(parts, ignore_index=True)


def _reference(survey: str, release: ReleasedModel) -> tuple[str, pd.DataFrame]:
    """The model's survey that a night's survey is compared with, and its reference with scores."""
    home = survey if survey in release.contract.surveys else release.contract.home
    known = fair_part(release.reference(), home)
    return home, known.assign(score=release.calibrated(known["logit"].to_numpy()))


def _survey(survey: str, rows: pd.DataFrame, *, release: ReleasedModel, threshold: float) -> dict[str, Any]:
    home, known = _reference(survey, release)
    scored = rows[rows["score"].notna()]
    names = rows["flag"].fillna("").str.split(SEPARATOR).explode().str.strip()
    flags = names[names != ""].value_counts()
    limits = release.contract.out_of_distribution["thresholds"][home]
    reference = {"survey": home, "known": survey == home, "part": str(known["part"].iloc[0])}
    return {
        "stamps": len(rows),
        "scored": len(scored),
        "reference": reference | {"stamps": len(known)},
        "called_real": _share((scored["score"] >= threshold).sum(), len(scored)),
        "reference_called_real": _share((known["score"] >= threshold).sum(), len(known)),
        "out_of_distribution": {
            "expected": limits["expected"],
            "share": _share(flags.get(OUT_OF_DISTRIBUTION, 0), len(scored)),
        },
        "flags": {str(name): _share(count, len(rows)) for name, count in sorted(flags.items())},
        "distributions": _distributions(scored, known, threshold),
    }


def _distributions(scored: pd.DataFrame, known: pd.DataFrame, threshold: float) -> list[dict[str, Any]]:
    """The score of all; similarity and distance of all, of those called real and of those called bogus."""
    lines = []
    for quantity in _quantities(scored):
        for group in ("all",) if quantity == "score" else ("all", "called real", "called bogus"):
            samples = (
                each if group == "all" else each[(each["score"] >= threshold) == (group == "called real")]
                for each in (scored, known)
            )
            night, reference = (_values(sample, quantity) for sample in samples)
            lines.append({"quantity": quantity, "of": group} | compared(night, reference))
    return lines


def _findings(survey: str, found: Mapping[str, Any]) -> list[str]:
    """What a person should know first."""
    sentences, lines = [], found["distributions"]
    if not found["reference"]["known"]:
        sentences.append(
            f"{survey} is not a survey of this model; it is compared with {found['reference']['survey']}."
        )
    lost = found["stamps"] - found["scored"]
    if lost:
        sentences.append(f"{survey}: {lost} of {found['stamps']} candidates have no score.")
    outliers = found["out_of_distribution"]
    if outliers["share"] and outliers["share"]["low"] > EXCESS * outliers["expected"]:
        sentences.append(
            f"{survey}: {outliers['share']['value']:.1%} of the stamps are out of distribution, "
            f"{outliers['expected']:.1%} expected."
        )
    drifted = [line for line in lines if line["verdict"] == DRIFT]
    if drifted:
        listed = ", ".join(
            f"{_named(line)} ({line['ks']:.2f}, by chance up to {line['chance']:.2f})" for line in drifted
        )
        sentences.append(f"{survey}: drifted, with the KS distance from the reference: {listed}.")
        if all(line["quantity"] == "score" for line in drifted):
            sentences.append(
                f"{survey}: similarity and distance have not drifted: a different share of reals would "
                "explain it."
            )
    elif all(line["verdict"] == TOO_FEW for line in lines):
        sentences.append(f"{survey}: fewer than {FEWEST} stamps on one side; nothing can be compared.")
    else:
        sentences.append(f"{survey}: no distribution has drifted{_blind_below(lines)}.")
    return sentences


def _blind_below(lines: Sequence[Mapping[str, Any]]) -> str:
    """What so few stamps cannot show, where chance hides a drift that would count."""
    worst = max((line for line in lines if line["chance"] is not None), key=lambda line: line["chance"])
    if worst["chance"] <= BLIND:
        return ""
    return (
        "; with so few stamps a drift may go unseen: chance alone reaches a KS distance of "
        f"{worst['chance']:.2f} ({_named(worst)}, {worst['night']} against {worst['reference']})"
    )


def _named(line: Mapping[str, Any]) -> str:
    return f"{line['quantity']} of " + ("all stamps" if line["of"] == "all" else f"the stamps {line['of']}")


def _quantities(table: pd.DataFrame) -> list[str]:
    return [name for name in QUANTITIES if name in table]


def _values(table: pd.DataFrame, quantity: str) -> NDArray[np.float64]:
    return table[quantity].dropna().to_numpy(np.float64)


def _share(count: int, of: int) -> dict[str, Any] | None:
    return asdict(rate(int(count), of)) if of else None


def drift_page(report: Mapping[str, Any], *, night: str, figure: Figure) -> str:
    """One page with a `drift_report` of the scores file `night` and its `drift_figure`, links to nothing."""
    if report["simulated"]:
        mark_simulated(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=160, metadata=dict(METADATA[".png"]))
    return render(
        TEMPLATE.read_text(encoding="utf-8"),
        html=True,
        report=report,
        night=night,
        figure=b64encode(buffer.getvalue()).decode(),
        rate=_rate_text,
        notable=NOTABLE,
        chance=CHANCE,
        drift=DRIFT,
    )


def _rate_text(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "none scored"
    return (
        f"{found['value']:.2%} ({found['low']:.2%} to {found['high']:.2%}), {found['count']} of {found['of']}"
    )
