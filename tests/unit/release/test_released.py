import os
import re
import shutil
import subprocess
import sys

import numpy as np
import onnx
import pytest
import torch
from scipy.special import expit

from stampshift.core.digests import write_digests
from stampshift.core.errors import ContractError
from stampshift.core.files import read_json, write_json
from stampshift.core.provenance import PACKAGE_ROOT, file_digest
from stampshift.networks import build_classifier
from stampshift.release.onnx_file import ReleasedNetwork, exposed_layers, onnx_bytes, parity, torch_outputs
from stampshift.release.onnx_network import OnnxNetwork
from stampshift.release.outliers import Outliers
from stampshift.release.released import ReleasedModel
from stampshift.stamps.file import Stamps
from stampshift.training.model import Model, predict

CPU = torch.device("cpu")


def drawn(count, size=21):
    return np.random.default_rng(0).standard_normal((count, 3, size, size), dtype=np.float32)


@pytest.fixture
def copied(adapted_release, tmp_path):
    return shutil.copytree(adapted_release.folder, tmp_path / "copied")


@pytest.mark.parametrize(
    ("network", "head", "size"),
    [("bolivar", "linear", 21), ("bolivar", "prototype", 21), ("network_1", "linear", 31),
     ("network_4", "linear", 51)],
)  # fmt: skip
def test_every_kind_of_network_says_the_same_in_onnx_runtime_and_in_torch(network, head, size):
    torch.manual_seed(1)
    temperature = 0.05 if head == "prototype" else None
    classifier = build_classifier(
        network=network, head=head, size_pixels=size, temperature=temperature
    ).eval()
    layers = exposed_layers(classifier, drawn(60, size))
    calls = torch.eye(2)[torch.arange(60) % 2]
    whole = ReleasedNetwork(classifier, Outliers.fit(layers._replace(logits=calls)))
    content = onnx_bytes(whole, size_pixels=size)
    assert content == onnx_bytes(whole, size_pixels=size)
    stamps = drawn(300, size)  # more than a batch, and no multiple of one
    ours, theirs = torch_outputs(whole, stamps), OnnxNetwork(content, threads=1).run(stamps)
    for name in ours._fields:
        np.testing.assert_allclose(getattr(theirs, name), getattr(ours, name), rtol=1e-4, atol=1e-4)
    with torch.inference_mode():
        logits = classifier(torch.from_numpy(stamps)).numpy()
    np.testing.assert_allclose(theirs.logits, logits, atol=1e-4)


def test_scores_are_those_of_the_trained_model_at_the_contracts_temperature(
    adapted_release, adapted_run, results
):
    stamps = Stamps.open(results / "stamps" / "B.h5").stamps[:100]
    raw = predict(Model.open(adapted_run / "model.pt").classifier(CPU), stamps, np.arange(100), device=CPU)
    scores = adapted_release.score_stamps(np.ascontiguousarray(stamps))
    temperature = adapted_release.contract.calibration["temperature"]
    np.testing.assert_allclose(expit(scores.logit), raw, atol=1e-5)
    np.testing.assert_allclose(scores.score, expit(scores.logit / temperature), atol=1e-6)
    assert scores.score.dtype == scores.similarity.dtype == np.float32


def test_threads_and_batches_change_no_score(adapted_release):
    stamps = drawn(300)
    whole = adapted_release.score_stamps(stamps).logit
    parts = [
        ReleasedModel.open(adapted_release.folder, threads=2).score_stamps(stamps[i : i + 7]).logit
        for i in (0, 290)
    ]
    np.testing.assert_allclose(parts[0], whole[:7], atol=1e-5)
    np.testing.assert_allclose(parts[1], whole[290:297], atol=1e-5)
    assert len(adapted_release.score_stamps(stamps[:0]).score) == 0


def test_the_onnx_file_names_its_outputs(adapted_release):
    model = onnx.load(adapted_release.folder / "model.onnx")
    assert [output.name for output in model.graph.output] == ["logits", "similarity", "distance", "features"]


def test_logits_that_differ_cannot_be_released():
    torch.manual_seed(0)
    classifiers = [
        build_classifier(network="bolivar", head="linear", size_pixels=21, temperature=None).eval()
        for _ in range(2)
    ]
    calls = torch.eye(2)[torch.arange(60) % 2]
    wholes = [
        ReleasedNetwork(each, Outliers.fit(exposed_layers(each, drawn(60))._replace(logits=calls)))
        for each in classifiers
    ]
    runtime = OnnxNetwork(onnx_bytes(wholes[0], size_pixels=21), threads=1)
    assert parity(runtime, wholes[0], drawn(20))["stamps"] == 20
    with pytest.raises(ContractError, match=r"expected logits within 0.001 .* on 20 reference stamps"):
        parity(runtime, wholes[1], drawn(20))


def test_scoring_needs_no_torch():
    code = "import sys, stampshift.release.released; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_wrong_stamps_are_refused(adapted_release):
    with pytest.raises(
        ContractError, match=r"expected stamps of shape \(n, 3, 21, 21\) and float32, found \(2, 3, 19"
    ):
        adapted_release.score_stamps(drawn(2, 19))
    with pytest.raises(ContractError, match=r"found .* and float64"):
        adapted_release.score_stamps(drawn(2).astype(np.float64))
    stamps = drawn(4)
    stamps[2, 0, 3, 3] = np.nan
    with pytest.raises(ContractError, match="found another value in stamp 2 of 4"):
        adapted_release.score_stamps(stamps)


@pytest.mark.parametrize("name", ["model.onnx", "model.pt", "reference.parquet", "card.md"])
def test_a_changed_or_missing_file_is_refused(copied, name):
    content = bytearray((copied / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copied / name).write_bytes(content)
    with pytest.raises(ContractError, match=rf"{name}: has changed since it was written, expected SHA-256"):
        ReleasedModel.open(copied)
    (copied / name).unlink()
    with pytest.raises(ContractError, match=rf"{name}: missing; copy the whole folder again"):
        ReleasedModel.open(copied)


@pytest.mark.parametrize("change", [{"calibration": {"temperature": 2.0}}, {"simulated": False}])
def test_a_changed_contract_is_refused(copied, change):
    write_json(copied / "contract.json", read_json(copied / "contract.json") | change)
    with pytest.raises(ContractError, match=r"contract\.json: has changed since it was written"):
        ReleasedModel.open(copied)


def test_a_network_that_replaced_that_of_the_contract_is_refused_though_it_is_listed(copied):
    (copied / "model.onnx").write_bytes((copied / "model.onnx").read_bytes() + b"\0")
    write_digests(copied)
    with pytest.raises(ContractError, match=r"model\.onnx: is another file than that of the contract"):
        ReleasedModel.open(copied)


def replace_network(folder, content):
    """Put another network into a release, with the digests that agree with it."""
    (folder / "model.onnx").write_bytes(content)
    contract = read_json(folder / "contract.json")
    contract["digests"]["model.onnx"] = file_digest(folder / "model.onnx")
    write_json(folder / "contract.json", contract)
    write_digests(folder)


def test_a_network_that_cannot_be_opened_is_refused_by_name(copied):
    replace_network(copied, (copied / "model.onnx").read_bytes()[:-1000])
    with pytest.raises(ContractError, match=r"copied/model\.onnx: not a network that can be run \(.*Export"):
        ReleasedModel.open(copied)


def test_a_network_that_cannot_be_run_on_stamps_is_refused_by_name(copied):
    network = onnx.load(copied / "model.onnx")
    network.graph.input[0].name = "others"
    for node in network.graph.node:
        node.input[:] = ["others" if name == "stamps" else name for name in node.input]
    replace_network(copied, network.SerializeToString())
    released = ReleasedModel.open(copied)
    with pytest.raises(
        ContractError, match=r"copied/model\.onnx: cannot be run on stamps of shape \(5, 3, 21, 21\) \("
    ):
        released.score_stamps(drawn(5))


def test_a_release_without_its_list_of_digests_is_refused(copied):
    (copied / "SHA256SUMS").unlink()
    with pytest.raises(ContractError, match="SHA256SUMS: missing"):
        ReleasedModel.open(copied)


def test_people_may_add_notes_beside_the_card(copied):
    (copied / "notes.md").write_text("Seen and approved.")
    ReleasedModel.open(copied)


def with_external_weights(folder, location):
    """Move the weights of a release's network to another file, and list the folder's files again."""
    model = onnx.load(folder / "model.onnx")
    onnx.external_data_helper.convert_model_to_external_data(
        model, all_tensors_to_one_file=True, location="weights.bin", size_threshold=0
    )
    onnx.save(model, folder / "model.onnx")
    if location != "weights.bin":
        model = onnx.load(folder / "model.onnx", load_external_data=False)
        for tensor in model.graph.initializer:
            for entry in tensor.external_data:
                if entry.key == "location":
                    entry.value = location
        (folder / "model.onnx").write_bytes(model.SerializeToString())
        (folder / "weights.bin").rename(folder / location)
    write_digests(folder)
    contract = read_json(folder / "contract.json")
    contract["digests"]["model.onnx"] = file_digest(folder / "model.onnx")
    write_json(folder / "contract.json", contract)
    write_digests(folder)


def test_external_data_within_a_release_is_part_of_its_digest(copied, adapted_release):
    with_external_weights(copied, "weights.bin")
    stamps = drawn(5)
    np.testing.assert_array_equal(
        ReleasedModel.open(copied).score_stamps(stamps).logit, adapted_release.score_stamps(stamps).logit
    )
    weights = bytearray((copied / "weights.bin").read_bytes())
    weights[100] ^= 1
    (copied / "weights.bin").write_bytes(weights)
    with pytest.raises(ContractError, match=r"weights\.bin: has changed since it was written"):
        ReleasedModel.open(copied)
    listed = (copied / "SHA256SUMS").read_text().splitlines(keepends=True)
    (copied / "SHA256SUMS").write_text("".join(line for line in listed if "weights" not in line))
    with pytest.raises(ContractError, match=r"refers to 'weights\.bin', a file that is not in SHA256SUMS"):
        ReleasedModel.open(copied)


def test_external_data_outside_a_release_is_refused(copied):
    with_external_weights(copied, "../outside.bin")
    with pytest.raises(
        ContractError, match=r"refers to '\.\./outside\.bin', a file that is not in SHA256SUMS"
    ):
        ReleasedModel.open(copied)


def test_external_data_behind_a_link_is_refused(copied):
    with_external_weights(copied, "weights.bin")
    (copied / "weights.bin").rename(copied.parent / "outside.bin")
    (copied / "weights.bin").symlink_to(copied.parent / "outside.bin")
    with pytest.raises(ContractError, match="a released model holds all its data"):
        ReleasedModel.open(copied)


def test_another_format_and_no_release_are_one_sentence(copied, tmp_path):
    contract = read_json(copied / "contract.json")
    write_json(copied / "contract.json", contract | {"format": 3, "stampshift": "9.0"})
    with pytest.raises(
        ContractError, match=r"expected a released model of format 2, found format 3 of stampshift 9.0"
    ):
        ReleasedModel.open(copied)
    write_json(copied / "contract.json", {k: v for k, v in contract.items() if k != "head"} | {"hat": 1})
    with pytest.raises(ContractError, match="lacks head, and has hat, which no contract has"):
        ReleasedModel.open(copied)
    (copied / "contract.json").write_text("{")
    with pytest.raises(ContractError, match="not readable as JSON"):
        ReleasedModel.open(copied)
    with pytest.raises(ContractError, match=r"found no such folder; `stampshift export` makes one"):
        ReleasedModel.open(tmp_path / "nothing")
    with pytest.raises(ContractError, match="found no such file in it"):
        ReleasedModel.open(tmp_path)


def test_the_runtime_reports_nothing_and_leaves_no_file(tmp_path):
    """Of ONNX Runtime's telemetry there is an uploader, an identifier in the cache, a file in TMPDIR."""
    code = "import stampshift.release.released"
    places = {name: str(tmp_path) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME")}
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run([sys.executable, "-c", code], env=environment | places, check=True)
    assert list(tmp_path.rglob("*")) == []


def test_the_runtime_is_imported_where_it_is_kept_quiet():
    for source in [*PACKAGE_ROOT.rglob("*.py"), *PACKAGE_ROOT.parents[1].glob("benchmarks/*.py")]:
        if source.name != "quiet_runtime.py":
            assert not re.search(r"^\s*(import|from) onnxruntime", source.read_text(), re.M), source
