"""The published numbers of the second study, beside ours."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from stampshift.core.errors import ContractError
from stampshift.des_study.first_step import ALL
from stampshift.des_study.models import CORRECTED, OLD, REVIEWED
from stampshift.des_study.new_survey import PUBLISHED_CUTOFF
from stampshift.des_study.performance import COMMON, CONFUSION, confusion_shares
from stampshift.metrics.metrics import THRESHOLD
from stampshift.stamps.file import BOGUS, REAL
from stampshift.tables.wording import model_name
from stampshift.tables.writing import Table

PAPER = "Ayyar et al. (2022)"
KEY = ["part", "model", "quantity"]
SOURCES = {"paper": "paper", "notebook": "authors' notebook"}
PARTS = {
    "networks": "networks",
    "first": "before relabelling",
    "first corrected": "before, corrected test labels",
    "labels": "relabelling",
    "second": "after relabelling",
    "new survey": "new survey",
}
NETWORK, FOREST = "network_1", "forest"


def ours(
    *,
    performance: Mapping[str, pd.DataFrame],
    categories: Mapping[str, pd.DataFrame],
    first_step: pd.DataFrame,
    labels: pd.DataFrame,
    new_survey: Sequence[pd.DataFrame],
) -> pd.DataFrame:
    """Our values of the quantities that the paper gives: columns `KEY` and ``value``, in its units.

    As in the paper, models are judged on the stamps that every model judges. `performance` is of the parts
    ``first`` and ``second``, `categories` (`sampled_shares`) of these and of ``first corrected``,
    `first_step` is of `relabelled_test_part`, and `new_survey` holds `new_survey_numbers`,
    `consensus_means` and `unanimity`, or nothing.
    """
    lines = [
        *_of_networks(performance["first"]),
        *(line for part, shares in categories.items() for line in _of_categories(part, shares)),
        *_of_labels(labels, first_step=first_step),
        *_of_second(performance["second"]),
        *(_of_new_survey(*new_survey) if new_survey else ()),
    ]
    return pd.DataFrame(lines, columns=[*KEY, "value"])


def beside_published(values: pd.DataFrame, *, published: pd.DataFrame) -> Table:
    """Every published number that the study has too, with our value of `ours` beside it.

    `published` has the columns `KEY`, ``heading``, ``value``, ``where`` it is found, and its
    ``source``, a key of `SOURCES`.
    """
    theirs = published.rename(columns={"value": "published"})
    numbers = theirs.merge(values, on=KEY, how="inner", validate="one_to_one")
    if numbers.empty:
        raise ContractError(
            f"published: expected models of {PAPER}, {NETWORK} and others, found "
            f"{', '.join(sorted(set(values['model'])))}. Add them to des_study.networks and "
            "des_study.forests."
        )
    numbers["difference"] = numbers["value"] - numbers["published"]
    cells = pd.DataFrame(
        {
            "part": [PARTS[part] for part in numbers["part"]],
            "model": [model_name(model) for model in numbers["model"]],
            "quantity": numbers["heading"],
            "published": _texts(numbers["published"]),
            "ours": _texts(numbers["value"]),
            "difference": [f"{value:+.3g}" for value in numbers["difference"]],
            "source": numbers["source"].map(SOURCES),
            "where": numbers["where"],
        }
    )
    caption = (
        f"Numbers of {PAPER} and ours. Ours are of another random split and of trainings of our own, and our "
        "candidates for review of networks that had not been trained on the stamp. Shares and rates are of "
        "stamps that every model judges. Numbers of the authors' notebooks are not in the paper, or "
        "rounded there; two counts that Fig. 11 exchanges are put right. The published points of Goldstein "
        "et al. (2015) are in the figure of the detection curves."
    )
    return Table(numbers, cells, caption, "tab:des-beside-published")


Line = tuple[str, str, str, float]


def _of_networks(performance: pd.DataFrame) -> Iterator[Line]:
    common = performance[performance["stamps"] == COMMON]
    areas = common.loc[common["model"].str.startswith("network"), "auc"]
    yield "first", "networks", "auc_lowest", areas.min()
    yield "first", "networks", "auc_highest", areas.max()


def _of_categories(part: str, shares: pd.DataFrame) -> Iterator[Line]:
    for line in shares[shares["sample"] == COMMON].to_dict("records"):
        yield part, line["model"], f"category_{line['category']}_percent", line["percent"]


def _of_labels(labels: pd.DataFrame, *, first_step: pd.DataFrame) -> Iterator[Line]:
    old, new = labels[OLD], labels[CORRECTED]
    yield "labels", "people", "reviewed", int(labels[REVIEWED].sum())
    yield "labels", "people", "flipped", int((old != new).sum())
    yield "labels", "people", "real_to_bogus", int(((old == REAL) & (new == BOGUS)).sum())
    yield "labels", "people", "bogus_to_real", int(((old == BOGUS) & (new == REAL)).sum())
    every = first_step[first_step["labelled"] == ALL].iloc[0]
    yield "labels", "people", "first_reviewed", every["reviewed"]
    yield "labels", "people", "first_flipped", every["flipped"]


def _of_second(performance: pd.DataFrame) -> Iterator[Line]:
    common = performance[performance["stamps"] == COMMON].set_index("model")
    for model, row in common.iterrows():
        yield "second", str(model), "fpr_at_mdr", row["fpr_at_mdr"]
        yield "second", str(model), "accuracy_percent", 100 * row["accuracy"]
        yield from (("second", str(model), f"{call}_stamps", row[call]) for call in CONFUSION)
    for line in confusion_shares(performance, stamps=COMMON).to_dict("records"):
        yield "second", line["model"], f"{line['call']}_percent", line["percent"]
    rates = common["fpr_at_mdr"]
    if {NETWORK, FOREST} <= set(rates.index) and rates[FOREST] > 0:
        yield "second", NETWORK, "fpr_against_forest", rates[NETWORK] / rates[FOREST] - 1


def _of_new_survey(numbers: pd.DataFrame, means: pd.DataFrame, agreed: pd.DataFrame) -> Iterator[Line]:
    for model, stamps, cutoff in (("before", "unanimous", THRESHOLD), ("after", "all", PUBLISHED_CUTOFF)):
        chosen = numbers[(numbers["model"] == model) & (numbers["stamps"] == stamps)]
        row = chosen[chosen["cutoff"] == cutoff].iloc[0]
        yield "new survey", model, f"mdr_{stamps}", row["mdr"]
        yield "new survey", model, f"fpr_{stamps}", row["fpr"]
    yield "new survey", "people", "judged", agreed["judged"].iloc[0]
    for line in agreed.to_dict("records"):
        yield "new survey", "people", f"kept_{line['label']}", line["kept"]
        yield "new survey", "people", f"unanimous_{line['label']}_percent", line["percent"]
    for line in means.to_dict("records"):
        yield "new survey", "after", f"mean_{line['label']}_{line['votes']}", line["after"]


def _texts(values: pd.Series) -> list[str]:
    return [f"{value:,.0f}" if value >= 1000 else f"{value:.4g}" for value in values]
