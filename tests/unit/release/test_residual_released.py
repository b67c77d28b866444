"""A network with shortcuts and global pooling is exported, flags outliers and has a card as any other."""

import numpy as np
import torch

from fake_release import release_of, write_results, write_run
from stampshift.config.experiment import Run
from stampshift.networks import build_classifier
from stampshift.release.outliers import Exposed
from stampshift.stamps.file import Stamps
from stampshift.training.model import Model, predict


def test_a_residual_network_is_released(tmp_path):
    write_results(tmp_path)
    run = write_run(tmp_path, Run("baseline", "A", None, 0, 0), network="residual")
    release = release_of(run, tmp_path / "released")
    assert release.contract.network == "residual"
    stamps = Stamps.open(tmp_path / "stamps/A.h5").stamps[:40]
    classifier = Model.open(run / "model.pt").classifier(torch.device("cpu"))
    expected = predict(classifier, stamps, np.arange(40), device=torch.device("cpu"))
    logit = release.score_stamps(stamps).logit.astype(float)
    np.testing.assert_allclose(1 / (1 + np.exp(-logit)), expected, atol=1e-4)
    assert "| network, head | residual, linear |" in (tmp_path / "released/card.md").read_text()


def test_every_block_says_what_its_maps_are_on_average():
    """For the flag: the stem's 16 maps, and those of two blocks of each stage."""
    form = {"network": "residual", "head": "linear", "size_pixels": 21, "temperature": None}
    with torch.random.fork_rng():
        classifier = build_classifier(**form)
    layers = Exposed(classifier.eval())(torch.zeros(2, 3, 21, 21))
    assert layers.activations.shape == (2, 16 + 2 * (16 + 32 + 64))
    assert layers.features.shape == (2, 64)
