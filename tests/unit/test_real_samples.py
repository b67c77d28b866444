"""Readers and preprocessing on real stamps; needs the folder of samples in STAMPSHIFT_REAL_DATA."""

import gzip
import pickle
from pathlib import Path

import fastavro
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from sklearn.metrics import roc_auc_score

import stampshift
from stampshift.config.experiment import Run
from stampshift.des_study.measuring import measure
from stampshift.formats.fits import read_image
from stampshift.simulation import read_constants, simulate_survey
from stampshift.stamps.autoscan import STAMP_FEATURES
from stampshift.stamps.file import Stamps
from stampshift.stamps.preprocessing import Preprocessing, preprocess
from stampshift.stamps.raw_triplets import InvalidPixels, RawTriplet
from stampshift.stamps.splits import make_splits
from stampshift.surveys import READERS
from stampshift.surveys.making import make_stamps
from stampshift.training.cohort import train_cohort
from stampshift.training.data import SurveyFiles
from stampshift.training.execute import Job, Plan
from stampshift.training.model import Model, predict

ROOT = Path(__file__).parents[2]

ZTF_RULE = InvalidPixels(magnitude_above=1e30)
ATLAS_RULE = InvalidPixels(equals=-31415.0)
NO_RULE = InvalidPixels()
CUTOUTS = ("cutoutTemplate", "cutoutScience", "cutoutDifference")


def records_of(path):
    if path.suffix == ".parquet":
        return pq.read_table(path, columns=["objectId", *CUTOUTS]).to_pylist()
    with path.open("rb") as file:
        return list(fastavro.reader(file))


def assert_normalised(block, valid):
    """Each channel has mean 0 and deviation 1 over its valid pixels, bool (n, 3, size, size)."""
    assert np.isfinite(block.stamps).all()
    stamps = block.stamps.astype("f8")
    count = valid.sum(axis=(2, 3))
    mean = np.where(valid, stamps, 0).sum(axis=(2, 3)) / count
    variance = (np.where(valid, stamps - mean[..., None, None], 0) ** 2).sum(axis=(2, 3)) / count
    np.testing.assert_allclose(mean, 0, atol=1e-6)
    np.testing.assert_allclose(np.sqrt(variance), 1, atol=1e-6)


@pytest.fixture(scope="module")
def ztf(real_data, tmp_path_factory):
    """All unique alerts as the training set's frame, read back, beside their rows of the index."""
    index = pd.read_csv(real_data / "ztf_alerts" / "index.csv").query("dup == 0")
    files = {name: records_of(real_data / "ztf_alerts" / name) for name in index["file"].unique()}
    alerts = [files[name][record] for name, record in zip(index["file"], index["record"], strict=True)]
    frame = pd.DataFrame(
        {
            "class": "SN",
            "oid": [alert["objectId"] for alert in alerts],
            "candid": index["candid"].to_numpy(),
            **{name: [alert[name]["stampData"] for alert in alerts] for name in CUTOUTS},
        }
    )
    path = tmp_path_factory.mktemp("ztf") / "training_set.pkl"
    path.write_bytes(pickle.dumps(frame, protocol=2))
    reader = READERS["ztf"]({}, ZTF_RULE)
    return index, [triplet for unit in reader.units([path]) for triplet in reader.decode(unit)]


def test_ztf_alerts_decode_as_the_index_says(ztf):
    index, triplets = ztf
    assert len(triplets) == 501
    assert [triplet.identifier for triplet in triplets] == index["candid"].astype(str).tolist()
    assert [triplet.images[0].shape for triplet in triplets] == list(
        zip(index["rows"], index["cols"], strict=True)
    )
    for channel, name in enumerate(("tmpl", "sci", "diff")):
        images = [triplet.images[channel] for triplet in triplets]
        assert [int(np.isnan(image).sum()) for image in images] == index[f"nan_{name}"].tolist()
        assert [int((image < -1e30).sum()) for image in images] == index[f"fill_{name}"].tolist()


def test_ztf_alerts_are_preprocessed(ztf):
    index, triplets = ztf
    block = preprocess(
        triplets,
        Preprocessing(
            size_pixels=63,
            unlabelled="drop",
            normalisation="channel",
            invalid=ZTF_RULE,
            classes={"SN": "real"},
        ),
    )
    kept = [triplet for triplet in triplets if triplet.images[0].shape == (63, 63)]
    assert block.ids == [triplet.identifier for triplet in kept]
    assert block.counts.dropped == {"non_square": 10, "ragged": 0, "too_small": 0}
    assert len(block.stamps) == 491
    assert block.groups == [triplet.group for triplet in kept]
    images = np.stack([triplet.images for triplet in kept])
    valid = np.isfinite(images) & (np.abs(images) < 1e30)
    assert_normalised(block, valid)
    square = index.query("rows == cols")
    for channel, name in (("template", "tmpl"), ("science", "sci"), ("difference", "diff")):
        assert (
            block.counts.filled_pixels[channel] == square[f"nan_{name}"].sum() + square[f"fill_{name}"].sum()
        )
    # six templates hold float32's lowest number; without the rule it would swamp every other pixel
    marked = np.array([(image[0] < -1e30).any() for image in images])
    assert marked.sum() == 6
    assert np.abs(block.stamps[marked, 0]).max() < 63


def test_ztf_crop_of_21_is_finite_and_normalised(ztf):
    _, triplets = ztf
    block = preprocess(
        triplets,
        Preprocessing(
            size_pixels=21,
            unlabelled="drop",
            normalisation="channel",
            invalid=ZTF_RULE,
            classes={"SN": "real"},
        ),
    )
    assert block.stamps.shape == (491, 3, 21, 21)
    kept = np.stack([triplet.images for triplet in triplets if triplet.images[0].shape == (63, 63)])
    crop = kept[:, :, 21:42, 21:42]
    assert_normalised(block, np.isfinite(crop) & (np.abs(crop) < 1e30))


def test_atlas_alerts_mask_the_template_where_the_difference_is_masked(real_data, tmp_path):
    index = pd.read_csv(real_data / "atlas_alerts" / "index.csv")
    alerts = [records_of(real_data / "atlas_alerts" / "avro" / Path(name).name)[0] for name in index["file"]]
    rows = [
        {
            "id": alert["candid"],
            "label": "scar",
            "science": alert["cutoutScience"]["stampData"],
            "difference": alert["cutoutDifference"]["stampData"],
        }
        for alert in alerts
    ]
    (tmp_path / "atlas.pkl").write_bytes(pickle.dumps(rows))
    reader = READERS["atlas"]({}, ATLAS_RULE)
    triplets = [triplet for unit in reader.units([tmp_path]) for triplet in reader.decode(unit)]
    for (_, row), triplet in zip(index.iterrows(), triplets, strict=True):
        template, science, difference = triplet.images
        masked = difference == -31415
        assert masked.sum() == row["n_fill_m31415_diff"]
        assert (science.min(), science.max()) == (row["min_sci"], row["max_sci"])
        np.testing.assert_array_equal(np.isnan(template), masked)
        np.testing.assert_array_equal(template[~masked], (science - difference)[~masked])
    block = preprocess(
        triplets,
        Preprocessing(
            size_pixels=61,
            unlabelled="drop",
            normalisation="channel",
            invalid=ATLAS_RULE,
            classes={"scar": "bogus"},
        ),
    )
    images = np.stack([triplet.images for triplet in triplets])
    assert_normalised(block, np.isfinite(images) & (images != -31415))
    masked = index["n_fill_m31415_diff"].sum()
    assert masked > 0
    assert block.counts.filled_pixels == {"template": masked, "science": 0, "difference": masked}


def test_atlas_pair_reads_gzipped_and_without_simple(real_data):
    for name in ("science", "difference"):
        content = (real_data / "atlas_alerts" / "fits_gz" / f"{name}.fits.gz").read_bytes()
        image = read_image(content, place=name)
        assert image.shape == (61, 61)
        inflated = gzip.decompress(content)
        end = inflated.index(b"END".ljust(80)) + 80
        without = inflated[80:end] + b" " * 80 + inflated[end:]
        np.testing.assert_array_equal(read_image(without, place=name), image)


@pytest.fixture(scope="module")
def des(real_data):
    """The ten labelled triplets; their pixels come from GIFs, whose corner marks are outside the crop."""
    pixels = np.load(real_data / "des_autoscan_sample" / "input_x.npy")
    types = np.loadtxt(real_data / "des_autoscan_sample" / "input_labels_y.txt")
    triplets = []
    for row, (stamp, kind) in enumerate(zip(pixels, types, strict=True)):
        template, science, difference = (stamp[:, :, channel].astype("f4") for channel in range(3))
        name = {0: "real", 1: "artifact"}[int(kind)]
        triplets.append(RawTriplet((template, science, difference), name, str(row), ""))
    return triplets


def test_des_sample_is_preprocessed(des):
    block = preprocess(
        des,
        Preprocessing(
            size_pixels=21,
            unlabelled="drop",
            normalisation="channel",
            invalid=NO_RULE,
            classes={"real": "real", "artifact": "bogus"},
        ),
    )
    assert block.stamps.shape == (10, 3, 21, 21)
    assert block.counts.labels == {"real": 4, "bogus": 6}
    assert_normalised(block, np.ones(block.stamps.shape, bool))
    # a new source: on the mean, reals are brightest at the centre of the difference
    real = block.stamps[block.labels == 1, 2].mean(axis=0)
    assert np.unravel_index(real.argmax(), real.shape) in {
        (row, column) for row in range(8, 13) for column in range(8, 13)
    }


def test_features_are_measured_on_the_real_des_triplets(des):
    """No published values come with the sample, and its GIFs are clipped: what is known is their range."""
    table = measure(des, invalid=NO_RULE)
    assert np.isfinite(table[list(STAMP_FEATURES)].to_numpy()).all()
    assert (table["MASKFRAC"] == 0).all()
    for radius, pixels in ((3, 25), (5, 49)):
        assert table[f"N2SIG{radius}"].between(0, pixels).all()
        assert (table[f"N3SIG{radius}"] <= table[f"N2SIG{radius}"]).all()
    # of 49 pixels noise has half below zero, a source fewer
    assert table["NUMNEGRN"].between(0, 32).all() and 15 < table["NUMNEGRN"].mean() < 25
    assert table["SCALE"].between(0.5, 5).all() and (table["AMP"] > 1).all()
    # stars are as wide as the seeing of 3.2 to 4.3 pixels: a sigma of 1.4 to 1.8
    assert table["SCALE"].median() == pytest.approx(1.6, abs=0.2)
    # subtraction leaves dark pixels beside most artifacts, and beside hardly any real source
    real = np.array([triplet.survey_class == "real" for triplet in des])
    assert table.loc[real, "N2SIG5"].max() < table.loc[~real, "N2SIG5"].mean() / 2
    assert table.loc[real, "DIFFSUMRN"].min() > 10


@pytest.fixture(scope="module")
def simulated_baseline(tmp_path_factory):
    """A small baseline of simulated DES, as `scores(survey stamps)`."""
    folder = tmp_path_factory.mktemp("baseline")
    constants = read_constants("DES")
    simulate_survey("DES", stamps=1000, seed=5, constants=constants, folder=folder / "raw", processes=1)
    make_stamps(
        [folder / "raw"],
        survey="DES",
        reader="des",
        options={},
        preprocessing=Preprocessing(
            classes={"real": "real", "artifact": "bogus"},
            invalid=InvalidPixels(nonzero_below=1e-29),
            size_pixels=21,
            normalisation="channel",
            unlabelled="drop",
        ),
        processes=1,
        unit_minutes=10,
        origin={"simulate": {"stamps": 1000, "seed": 5}},
        checksums={},
        tolerated=0.001,
        output=folder / "DES.h5",
    )
    stamps = Stamps.open(folder / "DES.h5")
    splits = make_splits(stamps, fractions={"train": 0.8, "validation": 0.1, "test": 0.1}, seed=0)
    splits.save(folder / "DES.npz")
    plan = Plan(
        run=Run("baseline", "DES", None, 0, 0),
        folder="baseline/DES/seed-0",
        method="baseline",
        network="bolivar",
        files={"DES": SurveyFiles(folder / "DES.h5", folder / "DES.npz", None)},
        baseline=None,
        options={},
        training={
            "optimiser": "sgd",
            "learning_rate": 0.01,
            "momentum": 0.9,
            "halve_every_iterations": 100_000,
            "batch_size": 50,
            "epoch_size": 2000,
            "patience_epochs": 5,
            "max_epochs": 5,
            "keep": "first_best",
        },
        validation_shots=0,
    )
    cpu = torch.device("cpu")
    job = Job(results=folder, device=cpu, threads=1, checkpoint_epochs=9, log_file=None)
    train_cohort([plan], job)
    model = Model.open(job.record(plan) / "model.pt").classifier(cpu)
    return lambda block: predict(
        model, block.stamps, np.arange(len(block.stamps)), device=torch.device("cpu")
    )


def test_a_trained_model_separates_the_real_des_triplets(simulated_baseline, des):
    """A model that has seen nothing but simulated DES ranks most real triplets above most artifacts."""
    classes = {"real": "real", "artifact": "bogus"}
    block = preprocess(
        des,
        Preprocessing(
            size_pixels=21, unlabelled="drop", normalisation="channel", invalid=NO_RULE, classes=classes
        ),
    )
    scores = simulated_baseline(block)
    assert scores.shape == (10,)
    assert ((scores >= 0) & (scores <= 1)).all()
    assert roc_auc_score(block.labels, scores) > 0.5


def test_a_trained_model_scores_the_real_ztf_alerts(simulated_baseline, ztf):
    _, triplets = ztf
    block = preprocess(
        triplets,
        Preprocessing(
            size_pixels=21,
            unlabelled="drop",
            normalisation="channel",
            invalid=ZTF_RULE,
            classes={"SN": "real"},
        ),
    )
    scores = simulated_baseline(block)
    assert len(scores) == 491
    assert ((scores >= 0) & (scores <= 1)).all()
    # a score is a function of its own stamp: neither the neighbours in a batch nor the units count
    brighter = [
        triplet._replace(images=tuple(np.float32(3) * image for image in triplet.images))
        for triplet in triplets
        if not any((image < -1e29).any() for image in triplet.images)
    ]
    again = preprocess(
        brighter,
        Preprocessing(
            size_pixels=21,
            unlabelled="drop",
            normalisation="channel",
            invalid=ZTF_RULE,
            classes={"SN": "real"},
        ),
    )
    same = np.isin(block.ids, again.ids)
    assert same.sum() == 485
    np.testing.assert_allclose(simulated_baseline(again), scores[same], atol=1e-4)


@pytest.mark.parametrize(
    ("folder", "alerts"),
    [("ztf_alerts", 554), ("rubin_alerts/fink", 109), ("atlas_alerts/avro", 12), ("other_survey_alerts", 17)],
)
def test_the_model_of_the_package_scores_every_real_alert(real_data, folder, alerts):
    scores = stampshift.score_alerts(
        stampshift.load("generalist"), stampshift.read_alerts(real_data / folder)
    )
    assert len(scores) == alerts
    assert scores["score"].between(0, 1).all()
