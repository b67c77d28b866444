"""A released model, and real packets as brokers decode them."""

import fastavro
import pytest

from fake_release import release_of, write_results, write_run
from stampshift.config.experiment import Run
from stampshift.release.released import ReleasedModel


@pytest.fixture(scope="session")
def released(tmp_path_factory) -> ReleasedModel:
    results = tmp_path_factory.mktemp("results")
    write_results(results)
    run = write_run(results, Run("baseline", "A", None, 0, 0))
    return release_of(run, tmp_path_factory.mktemp("released") / "model")


def decoded(path):
    with path.open("rb") as stream:
        return list(fastavro.reader(stream))


@pytest.fixture(scope="session")
def ztf(real_data):
    """Packets of ZTF, and the files they are in."""
    paths = sorted((real_data / "ztf_alerts").rglob("2019_01_10*.avro"))[:3]
    return paths, [packet for path in paths for packet in decoded(path)]


@pytest.fixture(scope="session")
def rubin(real_data):
    """Packets of Rubin, and the files they are in."""
    paths = sorted((real_data / "rubin_alerts" / "fink").glob("*.avro"))[:1]
    return paths, [packet for path in paths for packet in decoded(path)]
