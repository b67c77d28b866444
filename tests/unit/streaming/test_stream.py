"""A topic is scored like a night, at least once wherever the stream ends, by all members of its group."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from functools import partial

import pandas as pd
import pytest

pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")

import stampshift
from alert_packets import SCHEMAS, container, containers, packets, wire
from stampshift.scoring import units
from stampshift.scoring.scores_file import SCHEMA
from stampshift.scoring.units import score_alerts
from stampshift.streaming import connection, outgoing
from stampshift.streaming import stream as stream_module

QUICK = {"session.timeout.ms": "3000", "heartbeat.interval.ms": "500"}  # a killed member is missed soon
KILLED = """
import os, signal, sys
from pathlib import Path
from stampshift.streaming import incoming, outgoing, stream
stream.MESSAGES_PER_PROCESS = 5
batches = []
def killed(*arguments, **options):
    batches.append(1)
    if len(batches) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments, **options)
owner = {"commit": incoming.Incoming, "settle": outgoing.Outgoing}[sys.argv[1]]
original = getattr(owner, sys.argv[1])
setattr(owner, sys.argv[1], killed)
sys.argv[1:2] = ["stream"]
from stampshift.cli import main
main()
"""


def identifiers(lines):
    return [line["id"] for line in lines]


def every(count):
    """Whether lines of so many candidates have come."""
    return lambda messages: len({message.key() for message in messages if message.key()}) >= count


def command(cluster, model, *options):
    own = ["stream", "--broker", cluster.address, "--topic", "alerts", "--model", str(model)]
    return [*own, "--output-topic", "scores", "--group", "stampshift", "--processes", "1", *options]


def started(*arguments):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def test_a_packet_has_the_line_that_score_gives_it(cluster, streaming, released, tmp_path):
    (tmp_path / "3.avsc").write_text(json.dumps(SCHEMAS["Rubin"]))
    contents = [
        *containers("ZTF", 3),
        *containers("PGIR", 2, first=11),
        container("Rubin", packets("Rubin", 3, first=21)),
    ]
    contents += [wire("Rubin", packets("Rubin", 1, first=31)[0], schema=3)]
    contents += [container("ZTF", packets("ZTF", 1, first=41, cutoutScience=None))]
    files = tmp_path / "night"
    files.mkdir()
    for number, content in enumerate(contents):
        (files / f"{number}.avro").write_bytes(content)
    found = stampshift.read_alerts(files, schemas=tmp_path)
    expected = score_alerts(released, found, threshold=0.5).set_index("id", drop=False)
    cluster.send(*contents)
    running = streaming(schemas=tmp_path, threshold=0.5)
    messages = cluster.received("scores", len(expected))
    tally = running.stop()
    assert (tally.messages, tally.candidates, tally.dead_letters, tally.duplicates) == (8, 10, 0, 0)
    lines = {message.key().decode(): json.loads(message.value()) for message in messages}
    assert set(lines) == set(expected.index)
    for identifier, line in lines.items():
        assert list(line) == [*SCHEMA.names, "duplicate"]
        for name in set(SCHEMA.names) - {"place", "reason"}:
            value = expected.loc[identifier, name]
            assert line[name] == (None if pd.isna(value) else value)
    assert lines["41"]["flag"] == "missing cutout"
    assert cluster.committed() == 8


def test_what_cannot_be_read_goes_to_the_dead_letters_with_its_bytes_and_the_reason(cluster, streaming):
    (good,) = containers("ZTF", 1)
    cluster.send(b"no packet", key=b"a key")
    cluster.send(good)
    running = streaming()
    (letter,) = cluster.received("dead", 1)
    lines = cluster.lines(2)
    tally = running.stop()
    headers = dict(letter.headers())
    assert (letter.value(), letter.key()) == (b"no packet", b"a key")
    place = f"alerts [{headers['partition'].decode()}] offset {headers['offset'].decode()}"
    assert headers["reason"].decode().startswith(f"{place}: expected an Avro container")
    assert (headers["topic"], headers["group"]) == (b"alerts", b"stampshift")
    # its line is there as well, as in a scores file
    assert sorted((line["id"], line["score"] is None) for line in lines) == [("", True), ("1", False)]
    assert (tally.scored, tally.dead_letters) == (1, 1)


def poisoned(unit, *, scoring):
    if any(alert.identifier == "2" for alert in stampshift.alerts.decode(unit) if not alert.problem):
        os.kill(os.getpid(), signal.SIGSEGV)
    return units.score_unit(unit, scoring=scoring)


def test_a_packet_that_ends_its_worker_is_a_dead_letter_and_the_others_are_scored(
    cluster, streaming, monkeypatch
):
    monkeypatch.setattr(stream_module, "score_unit", poisoned)
    contents = containers("ZTF", 4)
    cluster.send(*contents)
    running = streaming()
    (letter,) = cluster.received("dead", 1)
    lines = {line["id"]: line for line in cluster.lines(4)}
    running.stop()
    assert letter.value() == contents[1]
    assert b"its worker process ended (SIGSEGV)" in dict(letter.headers())["reason"]
    assert [lines[each]["score"] is None for each in "1234"] == [False, True, False, False]


@pytest.mark.parametrize("where", ["commit", "settle"])
def test_a_killed_stream_scores_every_packet_at_least_once_and_marks_the_second_times(
    cluster, streaming, released, tmp_path, where
):
    """Killed in its second batch: with its scores out and its offsets not, or before all scores are out."""
    (tmp_path / "kafka.conf").write_text("\n".join(f"{name}={value}" for name, value in QUICK.items()))
    cluster.send(*containers("ZTF", 20))
    options = ("--properties", str(tmp_path / "kafka.conf"))
    process = started("-c", KILLED, where, *command(cluster, released.folder, *options)[1:])
    _, errors = process.communicate()
    assert process.returncode == -signal.SIGKILL, errors
    before = cluster.committed()
    assert 0 < before < 20
    running = streaming(settings=QUICK)
    cluster.lines(every(20))
    tally = running.stop()
    lines = [json.loads(message.value()) for message in cluster.everything("scores")]
    assert set(identifiers(lines)) == {str(number) for number in range(1, 21)}
    assert cluster.committed() == 20
    first = [line["id"] for line in lines if not line["duplicate"]]
    assert sorted(first) == sorted(set(identifiers(lines)))
    if where == "commit":
        assert tally.duplicates == len(lines) - 20 > 0


def test_a_packet_that_is_sent_twice_is_scored_twice_and_marked(cluster, streaming):
    (content,) = containers("ZTF", 1)
    cluster.send(content, content)
    running = streaming()
    lines = cluster.lines(2)
    running.stop()
    assert [line["duplicate"] for line in lines] == [False, True]
    assert lines[0]["score"] == lines[1]["score"]


def test_scores_of_another_group_in_the_same_topic_mark_nothing(cluster, streaming):
    cluster.send(*containers("ZTF", 2))
    first = streaming(group="one")
    cluster.lines(2)
    first.stop()
    second = streaming(group="two")
    lines = cluster.lines(4)
    assert second.stop().duplicates == 0
    assert [line["duplicate"] for line in lines] == [False] * 4


def test_offsets_stay_where_the_scores_are_not_acknowledged(cluster, streaming, monkeypatch):
    monkeypatch.setattr(outgoing.Outgoing, "settle", lambda self, stopping: False)
    cluster.send(*containers("ZTF", 3))
    error = streaming().end()
    assert isinstance(error, connection.BrokerError)
    assert re.fullmatch(r"stopped, but .* within 20 seconds\. Their offsets .*", str(error))
    assert cluster.committed() == 0


def test_sigterm_finishes_the_batch_commits_and_leaves_the_group(cluster, streaming, released):
    cluster.send(*containers("ZTF", 6))
    process = started("-c", "from stampshift.cli import main; main()", *command(cluster, released.folder))
    cluster.lines(6)
    process.send_signal(signal.SIGTERM)
    said, errors = process.communicate()
    assert process.returncode == 0, errors
    assert said.startswith(
        "stream: stopped by SIGTERM, all that was read is committed: 6 messages, 6 candidates"
    )
    assert "Traceback" not in errors
    assert cluster.committed() == 6


@pytest.mark.skipif(shutil.which("kcat") is None, reason="kcat is not installed")
def test_a_client_that_nobody_here_wrote_sends_packets_and_reads_scores(cluster, streaming, tmp_path):
    for number, content in enumerate(containers("ZTF", 3), 1):
        (tmp_path / f"{number}.avro").write_bytes(content)
    kcat = partial(subprocess.run, check=True, capture_output=True, text=True, cwd=tmp_path)
    base = ["kcat", "-b", cluster.address, "-q"]
    kcat([*base, "-P", "-t", "alerts", "1.avro", "2.avro", "3.avro"])
    running = streaming()
    cluster.lines(3)
    running.stop()
    read = kcat([*base, "-C", "-t", "scores", "-e", "-o", "beginning", "-f", "%k %s\\n"]).stdout.splitlines()
    found = {line.split(" ", 1)[0]: json.loads(line.split(" ", 1)[1]) for line in read}
    assert set(found) == {"1", "2", "3"}
    assert all(key == line["id"] and 0 <= line["score"] <= 1 for key, line in found.items())
