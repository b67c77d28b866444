"""Real alerts with the score that their own survey gave them, in an open and a reserved half.

Alerts of ZTF are real where `drb` is above 0.9 and bogus below 0.5, those of Rubin where `reliability` is
above and below 0.5. These are scores and not truth. **Half of the alerts are reserved**: nobody looks at
their stamps or numbers while simulation and adaptation are worked on. Which half an alert belongs to follows
from the name of its astronomical object.
"""

import hashlib

import numpy as np

from agreement import published
from stampshift import alerts
from stampshift.alerts.dialects import DIALECTS
from stampshift.stamps.file import BOGUS, REAL
from stampshift.stamps.preprocessing import Preprocessing, preprocess
from stampshift.stamps.raw_triplets import RawTriplet

SIZE = 21
FOLDERS = {"ZTF": "ztf_alerts", "Rubin": "rubin_alerts/fink"}
SCORE = {"ZTF": "drb", "Rubin": "reliability"}
REAL_ABOVE, BOGUS_BELOW = {"ZTF": 0.9, "Rubin": 0.5}, 0.5
SURE = {"ZTF": (0.1, 0.9), "Rubin": (0.5, 0.5)}  # of the AUC: bogus below, real above
NEITHER = -1  # class of an alert whose score is missing or in between


class ScoredAlerts:
    """
    Alerts of a survey that have images, preprocessed: `stamps` (n, 3, 21, 21), `ids`, `groups` (the objects).

    `scores` are NaN where they are missing; `classes` follow them. `reserved` says which alerts are of the
    reserved half. Identifiers that begin like one of `without` are left out.
    """

    def __init__(self, folder, *, survey, without=()):
        own = published([folder / FOLDERS[survey]]).set_index(["survey", "id"])[SCORE[survey]]
        triplets = {
            alert.identifier: RawTriplet(
                alert.images, "alert", alert.identifier, alert.group or alert.identifier
            )
            for alert in alerts.read_alerts(folder / FOLDERS[survey])
            if alert.images and (alert.survey, alert.identifier) in own.index
            if not alert.identifier.startswith(without)
        }
        block = preprocess(triplets.values(), settings({"alert": "real"}, DIALECTS[survey].invalid))
        self.survey, self.stamps, self.ids = survey, block.stamps, np.array(block.ids)
        self.groups = np.array(block.groups)
        self.scores = own[survey].loc[block.ids].to_numpy(float)
        high, low = self.scores > REAL_ABOVE[survey], self.scores < BOGUS_BELOW
        self.classes = np.where(high, REAL, np.where(low, BOGUS, NEITHER))
        self.reserved = np.array([is_reserved(group, survey=survey) for group in self.groups])


def is_reserved(group, *, survey):
    """Whether the alerts of an object belong to the half that is scored once."""
    return hashlib.sha256(f"{survey} {group}".encode()).digest()[0] % 2 == 1


def settings(classes, invalid):
    """How stamps are preprocessed, real ones and those simulated to be compared with them."""
    return Preprocessing(
        size_pixels=SIZE, normalisation="channel", invalid=invalid, classes=classes, unlabelled="drop"
    )
