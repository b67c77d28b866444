"""A SLURM for all tests of this folder."""

import pytest

from slurm_cluster import Cluster, reason_against


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A running cluster; its programs find it through the environment."""
    reason = reason_against()
    if reason:
        pytest.skip(reason)
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(cluster.configuration))
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
