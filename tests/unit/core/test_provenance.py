import shutil

import pytest

from alert_packets import replaced
from stampshift.core import provenance
from stampshift.core.provenance import code_digest, listing_digest

METHODS = ("finetune", "mme", "scratch")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package that a test may edit."""
    copy = tmp_path / "stampshift"
    shutil.copytree(provenance.PACKAGE_ROOT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "PACKAGE_ROOT", copy)
    return copy


def digests():
    provenance._read.cache_clear()
    return {method: code_digest("training.jobs", f"methods.{method}") for method in METHODS}


@pytest.mark.parametrize("edited", METHODS)
def test_editing_a_method_changes_its_own_digest_only(package, edited):
    before = digests()
    file = package / "methods" / f"{edited}.py"
    file.write_text(file.read_text() + "\nEXTRA = 1\n")
    after = digests()
    assert {method for method in METHODS if after[method] != before[method]} == {edited}


def test_a_new_version_changes_no_digest(package):
    before = digests()
    (package / "core" / "version.py").write_text('__version__ = "9.9.9"\n')
    assert digests() == before


def test_comments_and_docstrings_do_not_count(package):
    before = digests()
    file = package / "methods" / "mme.py"
    text = file.read_text().replace("Mean Shannon entropy", "Average Shannon entropy")
    file.write_text(text + "\n# a remark\n")
    assert digests() == before


def test_editing_what_a_method_imports_changes_its_digest(package):
    before = digests()
    file = package / "networks" / "classifier.py"
    file.write_text(file.read_text().replace("gradients[0].neg()", "gradients[0]"))
    after = digests()
    assert after["mme"] != before["mme"]
    assert after["finetune"] != before["finetune"]


def test_editing_one_network_leaves_the_digests_of_the_others(package):
    before = digests(), code_digest("networks.bolivar"), code_digest("networks.ayyar")
    file = package / "networks" / "ayyar.py"
    file.write_text(file.read_text().replace("HEAD_DROPOUT = 0.3", "HEAD_DROPOUT = 0.4"))
    after = digests(), code_digest("networks.bolivar"), code_digest("networks.ayyar")
    assert after[:2] == before[:2]
    assert after[2] != before[2]


def test_a_new_method_in_the_registry_changes_no_digest(package):
    before = digests()
    file = package / "methods" / "__init__.py"
    file.write_text(file.read_text() + "\nEXTRA = 1\n")
    assert digests() == before


def test_a_missing_module_is_named():
    with pytest.raises(ModuleNotFoundError, match=r"stampshift\.methods\.nothing"):
        code_digest("methods.nothing")


def test_every_change_of_files_changes_their_listing(tmp_path):
    july, elsewhere, labels = (
        tmp_path / "nights" / "2026" / "july",
        tmp_path / "disk",
        tmp_path / "labels.csv",
    )
    for file in (july / "2.avro", july / "3.avro", elsewhere / "7.avro", labels):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"some content\n")
    changes = {
        "added": lambda: (july / "5.avro").write_bytes(b"more"),
        "removed": lambda: (july / "5.avro").unlink(),
        "replaced by an older one": lambda: replaced(july / "2.avro", 1e9),
        "replaced by one of its time": lambda: replaced(july / "3.avro", (july / "3.avro").stat().st_mtime),
        "a linked night": lambda: (tmp_path / "nights" / "linked").symlink_to(elsewhere),
        "in a linked night": lambda: shutil.copy(july / "2.avro", elsewhere / "9.avro"),
        "older labels": lambda: replaced(labels, 1e9),
    }
    seen = [listing_digest([tmp_path / "nights", labels])]
    for change in changes.values():
        change()
        seen.append(listing_digest([tmp_path / "nights", labels]))
        assert listing_digest([tmp_path / "nights", labels]) == seen[-1]
    # a packet that was added and removed leaves the listing that was
    assert seen[2] == seen[0]
    assert len(set(seen)) == len(seen) - 1
