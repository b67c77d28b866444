"""From ATLAS' archive to its stamps, in both forms of its pickle."""

from copy import deepcopy

import numpy as np

from stampshift.stamps.file import Stamps
from tiny_project import TINY

STAMPS = "results/stamps/ATLAS.h5"


def test_an_archive_of_pickled_hdus_gives_the_stamps_of_one_of_fits_files(fresh):
    fresh.run(STAMPS)
    ordinary = Stamps.open((fresh.folder / STAMPS).rename(fresh.folder / "ordinary.h5"))
    config = deepcopy(TINY)
    config["surveys"]["ATLAS"]["simulate"]["hdus"] = True
    fresh.run(STAMPS, config=config)
    (archive,) = (fresh.folder / "resources/raw/simulated").glob("ATLAS-*-hdus/*.pkl")
    assert b"astropy.io.fits.hdu.image" in archive.read_bytes()
    stamps = Stamps.open(fresh.folder / STAMPS)
    for name in ("stamps", "labels", "classes", "ids", "groups", "fingerprints"):
        np.testing.assert_array_equal(getattr(stamps, name), getattr(ordinary, name), strict=True)
    differs = {name for name, value in stamps.attributes.items() if ordinary.attributes[name] != value}
    assert differs == {"origin", "raw"}
    assert stamps.attributes["digest"] == ordinary.attributes["digest"]
