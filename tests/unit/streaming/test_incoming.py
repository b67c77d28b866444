"""A member of a consumer group: what it reads, when, and what it leaves to others."""

import pytest

pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")

from alert_packets import containers
from stampshift.streaming import incoming
from stampshift.streaming import stream as stream_module
from stampshift.streaming.incoming import Incoming
from stampshift.streaming.outgoing import Outgoing

# the mock waits for a group's members as long as a session lasts, whenever it shares anew
QUICK = {"session.timeout.ms": 3000, "heartbeat.interval.ms": 300, "topic.metadata.refresh.interval.ms": 100}


def test_what_waits_is_what_a_member_has_not_read(cluster):
    cluster.send(*[b"packet"] * 10)
    member = Incoming({"bootstrap.servers": cluster.address}, ["alerts"], group="one", most_seconds=300)
    read = 0
    while not read:  # it joins the group first
        read = len(member.batch(3))
    assert read == 3
    assert member.waiting() in {7, None}  # None before each partition was asked once
    while read < 10:
        read += len(member.batch(3))
    assert member.waiting() == 0
    member.close()


def test_what_waits_in_the_process_is_bounded_in_bytes(cluster, monkeypatch):
    """Nobody reads it while another reader gets all that the topic has; then the broker is gone."""
    monkeypatch.setattr(incoming, "BACK_PRESSURE_KB", 100)
    monkeypatch.setattr(incoming, "SECONDS", 0.1)
    for _ in range(40):  # the mock gives messages together that were sent together
        cluster.send(b"x" * 10_000, key=b"one partition")
    settings = {"bootstrap.servers": cluster.address, "fetch.message.max.bytes": 10_000}
    member = Incoming(settings, ["alerts"], group="one", most_seconds=300)
    while not member.batch(1):
        pass
    cluster.received("alerts", 40)
    cluster.broker.go_away()
    waited = sum(len(message.content) for message in member.batch(40))
    assert waited <= 130_000  # the bound, and what is fetched at a time
    member.close()


def test_no_batch_is_read_before_the_one_before_it_is_committed(cluster, streaming, monkeypatch):
    done = []
    for owner, name in ((Incoming, "batch"), (Outgoing, "settle"), (Incoming, "commit")):
        monkeypatch.setattr(owner, name, noting(done, name, getattr(owner, name)))
    monkeypatch.setattr(stream_module, "MESSAGES_PER_PROCESS", 2)
    cluster.send(*containers("ZTF", 6))
    running = streaming()
    cluster.lines(6)
    running.stop()
    assert "".join(done).count("settle") >= 3
    assert set(" ".join(done).replace("batch settle commit", "").split()) <= {"batch"}  # some found nothing


def noting(done, name, function):
    def wrapped(*arguments):
        done.append(name)
        return function(*arguments)

    return wrapped


def test_topics_of_a_pattern_are_read_those_that_appear_later_too(cluster, streaming):
    cluster.send(*containers("ZTF", 2), topic="ztf_1")
    cluster.send(*containers("ZTF", 1, first=11), topic="atlas_1")
    running = streaming(topics=["^ztf_.*"], settings=QUICK)
    cluster.lines(2)
    cluster.send(*containers("ZTF", 2, first=21), topic="ztf_2")
    lines = cluster.lines(4)
    tally = running.stop()
    assert {line["id"] for line in lines} == {"1", "2", "21", "22"}
    assert {line["place"].split(" ", 1)[0] for line in lines} == {"ztf_1", "ztf_2"}
    assert (tally.messages, cluster.committed(topic="ztf_1"), cluster.committed(topic="ztf_2")) == (4, 2, 2)


def test_a_member_that_joins_shares_the_work_and_takes_over_when_the_other_leaves(cluster, streaming):
    def send_more():
        sent.extend(containers("ZTF", 8, first=len(sent) + 1))
        cluster.send(*sent[-8:])
        return cluster.lines(lambda messages: len({each.key() for each in messages}) == len(sent))

    sent = []
    # their thresholds tell their lines apart
    first = streaming(threshold=0.0, settings=QUICK)
    assert all(line["real"] for line in send_more())
    second = streaming(threshold=2.0, settings=QUICK)
    while all(line["real"] for line in send_more()):
        assert len(sent) < 10_000, "the second member gets no partition"
    tally, before = first.stop(), len(sent)
    lines = send_more()
    assert not any(line["real"] for line in lines if int(line["id"]) > before)
    assert tally.candidates + second.stop().candidates == len(lines)
    assert cluster.committed() == len(sent)
