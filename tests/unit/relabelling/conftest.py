"""A survey of few stamps whose labels are written out."""

import numpy as np
import pytest

from stampshift.stamps import Stamps


@pytest.fixture
def survey():
    """Stamps of a survey with given labels; identifiers are 101, 102, ..."""

    def make(*labels, name="DES"):
        ids = np.array([str(101 + row) for row in range(len(labels))])
        texts = np.zeros(len(labels), np.str_)
        pixels = np.zeros((len(labels), 3, 5, 5), np.float32)
        return Stamps(name, pixels, np.array(labels, np.uint8), texts, ids, texts, {})

    return make
