"""`raw.onnx` does what the package does: the same stamps, the same refusals, the same scores."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch

from stampshift import read_alerts
from stampshift.core.errors import ContractError
from stampshift.networks import build_classifier
from stampshift.release.onnx_file import ReleasedNetwork, exposed_layers, onnx_bytes
from stampshift.release.onnx_network import OnnxNetwork
from stampshift.release.outliers import Outliers
from stampshift.release.preparing import marks_of, prepare
from stampshift.release.quiet_runtime import onnxruntime
from stampshift.release.raw_cutouts import alerts_of
from stampshift.release.raw_network import RAW_OUTPUTS, STEPS, Preprocessing, raw_onnx_bytes, traced_raw
from stampshift.release.released import ReleasedModel
from stampshift.stamps.file import CHANNELS
from stampshift.stamps.preprocessing import NORMALISATIONS

ROUNDING = {"rtol": 1e-6, "atol": 1e-6}  # of float32, in pixels of about 1


def running(content):
    """Outputs of an ONNX file for cutouts of the three kinds."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return lambda kinds: session.run(None, dict(zip(CHANNELS, kinds, strict=True)))


def preprocessing(size, normalisation="channel", marks=()):
    steps = Preprocessing(size_pixels=size, normalisation=normalisation, marks=marks)
    return running(traced_raw(steps, size_pixels=size, outputs=["stamps", "scored"]))


def cutouts(height, width, count=40):
    """(count, height, width) of each kind: a sky, sources, and gaps, marks and constants of all sorts."""
    generator = np.random.default_rng(height)
    sky = generator.normal(0, 5, (3, count, height, width)) + np.array([9000, 9000, 0]).reshape(3, 1, 1, 1)
    kinds = sky.astype(np.float32)
    kinds[:, :20][generator.random((3, 20, height, width)) < 0.1] = np.nan
    kinds[1, 1, :, : width // 2 + 1] = np.inf  # one half of an image
    kinds[2, 2] = np.nan
    kinds[0, 3] = 7
    kinds[:, 4] = 7
    kinds[:, 5], kinds[0, 5, height // 2, width // 2] = 7, np.nan
    kinds[:, 6] = np.array([0, 1e30, -1e-30])[:, np.newaxis, np.newaxis]
    kinds[:, 7, ::2] = -31415
    kinds[:, 8, ::3] = -3.4028235e38
    kinds[:, 9, ::3] = 1e-30
    kinds[0, 10] = 9000 + generator.choice([0, 0.001], (height, width))  # below the resolution of float32
    kinds[2, 11], kinds[2, 11, height // 2, width // 2] = 0, 1e5  # a deviation of 0
    kinds[:, 12, height // 2, width // 2] = 3e38
    return kinds


def expected(kinds, contract, survey):
    candidates, stamps = prepare(
        alerts_of(*kinds, survey=survey, known=contract.surveys), contract=contract, survey=survey
    )
    return stamps, np.array([not candidate.problem for candidate in candidates])


def contract_of(release, survey, *, size=21, normalisation="channel", **invalid):
    contract = release.contract
    surveys = {survey: {"role": "source", "invalid": invalid}}
    limits = {"quantile": 0.01, "thresholds": {survey: {"distance": 3.0, "expected": 0.01, "stamps": 100}}}
    return replace(
        contract,
        size_pixels=size,
        normalisation=normalisation,
        surveys=surveys,
        calibration=contract.calibration | {"surveys": [survey], "temperature": 1.7},
        out_of_distribution=limits,
    )


def test_every_normalisation_is_in_the_graph():
    assert STEPS.keys() == NORMALISATIONS.keys()


@pytest.mark.parametrize(
    ("size", "normalisation", "invalid", "shapes"),
    [
        (21, "channel", {}, [(21, 21), (22, 22), (31, 31), (63, 63), (64, 64)]),
        (21, "channel", {"equals": -31415.0}, [(31, 31), (101, 101)]),
        (20, "channel", {"magnitude_above": 1e30}, [(20, 20), (21, 21), (63, 63), (64, 64)]),
        (21, "channel", {"nonzero_below": 1e-29}, [(51, 51)]),
        (51, "difference_mad", {"nonzero_below": 1e-29}, [(51, 51), (64, 64)]),
        (51, "difference_mad_clipped", {"magnitude_above": 1e30}, [(63, 63)]),
    ],
)
def test_stamps_and_refusals_are_those_of_the_package(adapted_release, size, normalisation, invalid, shapes):
    contract = contract_of(adapted_release, "mine", size=size, normalisation=normalisation, **invalid)
    graph = preprocessing(size, normalisation, marks_of(contract, dialect="mine", survey="mine"))
    for shape in shapes:
        kinds = cutouts(*shape)
        stamps, fit = expected(kinds, contract, "mine")
        theirs, scored = graph(kinds)
        assert scored.tolist() == fit.tolist()
        assert 20 < fit.sum() < 40
        np.testing.assert_allclose(theirs[scored], stamps, **ROUNDING)


@pytest.mark.parametrize(
    "shapes", [[(15, 15)] * 3, [(31, 33)] * 3, [(31, 31), (31, 31), (33, 33)], [(40, 15)] * 3]
)
def test_what_cannot_be_cropped_has_no_score(shapes):
    kinds = [np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32) for shape in shapes]
    stamps, scored = preprocessing(21)(kinds)
    assert (stamps.shape, scored.tolist()) == ((2, 3, 21, 21), [False, False])


def test_by_hand():
    """Of 1 to 9 with 5 missing: mean 5, deviation sqrt(60/8); the median of the rest is 0."""
    image = np.arange(1, 10, dtype=np.float32).reshape(1, 3, 3)
    gap = np.where(image == 5, np.nan, image)
    even = np.where(image >= 8, np.nan, image)  # 1 to 7: mean 4, deviation 2, median 0
    framed = np.pad(even, ((0, 0), (1, 1), (1, 1)), constant_values=1e6)  # the crop leaves the frame out
    stamps, scored = preprocessing(3)(
        [np.pad(each, ((0, 0), (1, 1), (1, 1))) for each in (image, gap)] + [framed]
    )
    assert scored.tolist() == [True]
    np.testing.assert_allclose(stamps[0, 0].ravel(), (np.arange(1, 10) - 5) / np.sqrt(60 / 9), rtol=1e-6)
    by_hand = np.where(np.arange(1, 10) == 5, 0, (np.arange(1, 10) - 5) / np.sqrt(60 / 8))
    np.testing.assert_allclose(stamps[0, 1].ravel(), by_hand, rtol=1e-6)
    np.testing.assert_allclose(stamps[0, 2].ravel(), [-1.5, -1, -0.5, 0, 0.5, 1, 1.5, 0, 0], atol=1e-7)


def test_of_an_even_number_of_valid_pixels_the_median_is_between_two():
    """Difference 0 0 1 3 and a gap, all over sigma: MAD of 0.5 (median 0.5, deviations 0.5 0.5 0.5 2.5)."""
    difference = np.array([[[0, 0, 1], [3, np.nan, np.nan], [np.nan] * 3]], np.float32)
    stamps, _ = preprocessing(3, "difference_mad")([difference * 2, difference, difference])
    sigma = 1.4826 * 0.5
    np.testing.assert_allclose(stamps[0, 1].ravel(), np.array([0, 0, 1, 3] + [0.5] * 5) / sigma, rtol=1e-6)
    np.testing.assert_allclose(stamps[0, 0].ravel(), np.array([0, 0, 2, 6] + [1.0] * 5) / sigma, rtol=1e-6)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(1)
    classifier = build_classifier(network="bolivar", head="linear", size_pixels=21, temperature=None).eval()
    stamps = np.random.default_rng(0).standard_normal((60, 3, 21, 21), dtype=np.float32)
    layers = exposed_layers(classifier, stamps)
    return ReleasedNetwork(
        classifier, Outliers.fit(layers._replace(logits=torch.eye(2)[torch.arange(60) % 2]))
    )


@pytest.mark.parametrize(
    ("survey", "folder", "pattern"),
    [
        ("ZTF", "ztf_alerts", "**/*.avro"),
        ("Rubin", "rubin_alerts", "**/*.avro"),
        ("ATLAS", "atlas_alerts", "**/*.avro"),
        ("PGIR", "other_survey_alerts", "**/*.avro"),
    ],
)
def test_real_packets_have_the_scores_of_the_package(
    network, adapted_release, real_data, survey, folder, pattern
):
    contract = contract_of(adapted_release, survey)
    model = ReleasedModel(real_data, contract, OnnxNetwork(onnx_bytes(network, size_pixels=21), threads=1))
    raw = running(raw_onnx_bytes(network, contract))
    found = read_alerts(*sorted((real_data / folder).glob(pattern))[:12])
    triplets = [alert.images for alert in found if alert.images and alert.survey == survey]
    assert len(triplets) >= 3
    for images in triplets:
        kinds = [image[np.newaxis] for image in images]
        table, theirs = model.score(*kinds), raw(kinds)
        for name, values in zip(RAW_OUTPUTS, theirs, strict=True):
            np.testing.assert_allclose(values, table[name], rtol=1e-4, atol=1e-5)


def test_the_file_of_a_release_takes_a_batch_of_cutouts_of_any_size(adapted_release):
    raw = running((adapted_release.folder / "raw.onnx").read_bytes())
    for side in (21, 31):
        kinds = cutouts(side, side)
        table, theirs = adapted_release.score(*kinds), raw(kinds)
        assert table["score"].isna().sum() > 3
        for name, values in zip(RAW_OUTPUTS, theirs, strict=True):
            assert values.dtype == np.float32
            np.testing.assert_allclose(values, table[name], rtol=1e-4, atol=1e-5)
    assert [len(values) for values in raw(cutouts(31, 31)[:, :0])] == [0, 0, 0]


def test_the_file_uses_nothing_but_onnx(adapted_release):
    model = onnx.load(adapted_release.folder / "raw.onnx")
    assert [(each.domain, each.version) for each in model.opset_import] == [("", 17)]
    assert [each.name for each in model.graph.input] == list(CHANNELS)


def test_stampshift_does_not_open_it(adapted_release):
    with pytest.raises(
        ContractError, match=r"raw\.onnx: expected a network that takes `stamps`, found templ"
    ):
        ReleasedModel.open(adapted_release.folder / "raw.onnx")
