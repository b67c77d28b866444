"""The writer of every survey's archive."""

from collections.abc import Callable

from stampshift.simulation import atlas_archive, des_archive, hits_archive, rubin_archive, ztf_archive

WRITERS: dict[str, Callable[..., None]] = {
    "HiTS": hits_archive.write_archive,
    "DES": des_archive.write_archive,
    "ATLAS": atlas_archive.write_archive,
    "ZTF": ztf_archive.write_archive,
    "DECAT": des_archive.write_archive,  # the same camera and pipeline
    "Rubin": rubin_archive.write_archive,
}
