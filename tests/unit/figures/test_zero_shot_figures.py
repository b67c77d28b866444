import numpy as np
import pytest

from stampshift.figures.zero_shot_figures import zero_shot_map
from stampshift.tables.zero_shots import zero_shots

PAIRS = ["A-to-B", "C-to-A"]


@pytest.fixture
def numbers(with_no_labels):
    return zero_shots(with_no_labels, pairs=PAIRS, names=["mme"])


def test_a_row_per_pair_and_a_column_per_method(numbers):
    axes = zero_shot_map(numbers, variant_names={}).axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["A to B", "C to A"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["baseline\n(source only)", "MME"]


def test_colours_and_texts_are_the_means_on_the_target(numbers):
    axes = zero_shot_map(numbers, variant_names={}).axes[0]
    on_target = numbers[numbers["role"] == "target"].set_index(["source", "method"])
    expected = [[on_target.loc[(s, m), "mean"] for m in ("baseline", "mme")] for s in ("A", "C")]
    np.testing.assert_allclose(axes.images[0].get_array(), expected)
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    assert texts[1, 0] == f"{expected[0][1]:.3f} ± {on_target.loc[('A', 'mme'), 'std']:.3f}"
