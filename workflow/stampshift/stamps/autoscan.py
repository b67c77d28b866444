"""Names in DES' autoscan table, of its 38 features above all (Goldstein et al. 2015, AJ 150, 82, table 2)."""

STAMP_FEATURES = (
    "DIFFSUMRN", "NUMNEGRN", "N2SIG3", "N3SIG3", "N2SIG5", "N3SIG5",
    "N2SIG3SHIFT", "N3SIG3SHIFT", "N2SIG5SHIFT", "N3SIG5SHIFT",
    "GAUSS", "SCALE", "AMP", "COLMEDS", "MASKFRAC", "LACOSMIC", "L1", "FLUX_RATIO",
)  # fmt: skip
DETECTION_FEATURES = (
    "GFLUX", "MAG", "SNR", "A_IMAGE", "B_IMAGE", "ELLIPTICITY", "FLAGS", "SPREAD_MODEL",
    "SPREADERR_MODEL", "MAG_FROM_LIMIT", "MIN_DISTANCE_TO_EDGE_IN_NEW", "CCDID", "BAND",
)  # fmt: skip
REFERENCE_FEATURES = ("MAG_REF", "MAG_REF_ERR", "A_REF", "B_REF", "NN_DIST_RENORM", "MAGLIM", "MAGDIFF")
# the table's own order is alphabetical
COLUMNS = tuple(sorted((*STAMP_FEATURES, *DETECTION_FEATURES, *REFERENCE_FEATURES)))

# of a simulated archive in DES' format: the true labels, where wrong ones were planted in its table
PLANTED = "planted_flips.csv"
