import numpy as np
import pandas as pd
import pytest

from stampshift.figures.worst import error_gallery


@pytest.fixture
def errors():
    return pd.DataFrame(
        {
            "kind": ["false positive", "false positive"],
            "row": [5, 8],
            "class": ["ghost", "ghost"],
            "id": ["A-5", "A-8"],
            "score": [0.98765, 0.7],
        }
    )


@pytest.fixture
def figure(errors, surveys):
    return error_gallery(errors, surveys["A"], per_kind=3, model="MME")


def test_triplets_are_the_stamps_of_the_errors(figure, surveys):
    shown = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    assert len(shown) == 6
    np.testing.assert_allclose(shown[:3], surveys["A"].stamps[5])
    np.testing.assert_allclose(shown[3:], surveys["A"].stamps[8])


def test_class_identifier_and_score_stand_under_a_triplet(figure):
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert texts == ["ghost, A-5, score 0.9877", "ghost, A-8, score 0.7"]


def test_a_kind_without_errors_says_so(figure):
    headings = [text.get_text() for text in figure.texts]
    assert headings[:2] == ["bogus called real: the most confident first", "real called bogus: none"]
    assert figure.get_suptitle() == "Worst errors on A: MME"
