"""Nothing is out before the broker has acknowledged it, however long that takes and whatever it refuses."""

import json

import pytest

pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")

from confluent_kafka import KafkaError

from stampshift.streaming.connection import BrokerError, connect
from stampshift.streaming.outgoing import Outgoing
from stampshift.streaming.packets import DeadLetter, Message

LETTER = DeadLetter(Message("alerts", 2, 7, b"key", b"x" * 1000, None), "alerts [2] offset 7: damaged.")


@pytest.fixture
def outgoing(cluster):
    producer = connect({"bootstrap.servers": cluster.address}, topics=("scores", "dead"))
    return Outgoing(producer, scores="scores", dead_letters="dead", group="one")


def test_a_dead_letter_that_the_broker_finds_too_large_comes_without_its_bytes(cluster, outgoing):
    cluster.broker.refuse_next_write(KafkaError.MSG_SIZE_TOO_LARGE)
    outgoing.send_letter(LETTER)
    assert outgoing.settle(lambda: False)
    (message,) = cluster.everything("dead")
    assert (message.value(), message.key()) == (None, b"key")
    assert dict(message.headers()) == {
        "reason": b"alerts [2] offset 7: damaged.",
        "topic": b"alerts",
        "partition": b"2",
        "offset": b"7",
        "group": b"one",
    }


def test_letters_that_go_one_by_one_lose_their_bytes_one_by_one(cluster):
    """As those of a small ``batch.size`` do; together, all would lose them."""
    settings = {"bootstrap.servers": cluster.address, "batch.size": 1}
    outgoing = Outgoing(
        connect(settings, topics=("scores", "dead")), scores="scores", dead_letters="dead", group="one"
    )
    cluster.broker.refuse_next_write(KafkaError.MSG_SIZE_TOO_LARGE)
    for _ in range(3):
        outgoing.send_letter(LETTER)
    assert outgoing.settle(lambda: False)
    assert sorted(len(each.value() or b"") for each in cluster.everything("dead")) == [0, 1000, 1000]


@pytest.mark.parametrize(
    ("refused", "remedy"),
    [
        ("MSG_SIZE_TOO_LARGE", r"\. Set batch\.size in the file of --properties below"),
        ("TOPIC_AUTHORIZATION_FAILED", r"\.$"),
    ],
)
def test_a_line_that_the_broker_refuses_ends_the_stream(cluster, outgoing, refused, remedy):
    cluster.broker.refuse_next_write(getattr(KafkaError, refused))
    outgoing.send_line({"id": "1", "survey": "ZTF"})
    with pytest.raises(BrokerError, match=f"the broker refuses what is sent to it: Broker: .*{remedy}"):
        outgoing.settle(lambda: False)


def test_a_broker_that_goes_away_is_waited_for(cluster, outgoing):
    looks = []

    def stopping():
        looks.append(len(looks))
        if len(looks) == 2:
            cluster.broker.come_back()
        return False

    cluster.broker.go_away()
    for number in range(3):
        outgoing.send_line({"id": str(number), "survey": "ZTF"})
    assert outgoing.settle(stopping)
    assert len(looks) >= 2
    found = [json.loads(message.value())["id"] for message in cluster.everything("scores")]
    assert sorted(found) == ["0", "1", "2"]
