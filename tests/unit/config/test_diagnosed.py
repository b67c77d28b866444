import pytest

from stampshift.config.diagnosed import diagnosed_pairs
from stampshift.config.experiment import Pair
from stampshift.core.errors import ConfigError

PAIRS = (Pair("A", "B"), Pair("B", "A"))
SECTION = {"enabled": True, "pairs": "all", "errors": {"method": "mme"}}


def diagnosed(**changes):
    return diagnosed_pairs(SECTION | changes, pairs=PAIRS, methods=["finetune", "mme"])


def test_every_pair_some_or_none():
    assert diagnosed() == PAIRS
    assert diagnosed(pairs=["B-to-A"]) == (Pair("B", "A"),)
    assert diagnosed(enabled=False) == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"pairs": ["A-to-C"]},
            "diagnostics.pairs: 'A-to-C' is none of the experiment's pairs A-to-B, B-to-A.",
        ),
        (
            {"errors": {"method": "mne"}},
            "errors.method is 'mne', which is not among the methods finetune, mme.",
        ),
    ],
)
def test_a_stranger_is_refused(changes, message):
    with pytest.raises(ConfigError) as error:
        diagnosed(**changes)
    assert message in str(error.value)
