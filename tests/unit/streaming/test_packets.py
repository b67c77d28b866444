"""Messages to units of work, and lines of scores to messages."""

import json

import numpy as np
import pytest

from alert_packets import container, packets
from stampshift import alerts
from stampshift.scoring.units import Scoring, score_unit
from stampshift.streaming.packets import Message, as_json, candidate_of, dead_letters, units_of


def message(offset, content, partition=0):
    return Message("night", partition, offset, None, content, None)


def test_units_hold_all_messages_in_their_order():
    messages = [message(offset, container("ZTF", packets("ZTF", 1, first=offset))) for offset in range(300)]
    units = list(units_of(messages, schemas=None))
    assert [piece.place for unit in units for piece in unit.pieces] == [each.place for each in messages]
    assert len(units) == 2
    (alert,) = alerts.decode(alerts.Unit(units[0].pieces[7:8], None))
    assert (alert.identifier, alert.place) == ("7", "night [0] offset 7, record 0")


def test_what_cannot_be_read_is_a_dead_letter_with_its_reason(released):
    good, half = packets("ZTF", 2)
    messages = [
        message(0, container("ZTF", [good])),
        message(1, b"no packet"),
        message(2, b""),
        message(3, container("ZTF", [])),
        message(4, container("ZTF", [good | {"cutoutScience": None}])),  # read, and without a score
        message(5, container("ZTF", [half, good | {"cutoutScience": {"fileName": "", "stampData": b"x"}}])),
        message(0, b"\x00\x00\x00\x00\x07abc", partition=1),
    ]
    (unit,) = units_of(messages, schemas=None)
    table = score_unit(unit, scoring=Scoring(released.folder, None, None))
    letters = {each.message[1:3]: each.reason for each in dead_letters(messages, table)}
    assert list(letters) == [(0, 1), (0, 2), (0, 3), (0, 5), (1, 0)]
    assert letters[0, 1].startswith("night [0] offset 1: expected an Avro container")
    assert letters[0, 3] == "night [0] offset 3: expected an alert, found a container without any."
    assert letters[0, 5].startswith("night [0] offset 5, record 1, cutoutScience")
    assert letters[1, 0].startswith("night [1] offset 0: expected the schema 7")


def test_a_line_is_json_that_gives_the_same_float32_back():
    score = np.float32(0.1)
    line = {"id": "12", "survey": "caf\u00e9", "score": float(score), "real": None, "distance": float("inf")}
    back = json.loads(as_json(line))
    assert back == {"id": "12", "survey": "caf\u00e9", "score": float(score), "real": None, "distance": None}
    assert np.float32(back["score"]) == score


@pytest.mark.parametrize(("identifier", "candidate"), [("12", ("ZTF", "12")), ("", None)])
def test_a_candidate_is_its_survey_and_identifier(identifier, candidate):
    assert candidate_of({"survey": "ZTF", "id": identifier, "score": 0.5}) == candidate
