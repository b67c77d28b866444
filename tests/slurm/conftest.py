"""A SLURM for all tests of this folder."""

import pytest

from slurm_cluster import Cluster, reason_against


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A running cluster, which all of SLURM's programs on this machine talk to."""
    reason = reason_against()
    if reason:
        pytest.skip(reason)
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
