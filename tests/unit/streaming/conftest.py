"""A released model, a Kafka broker in this process, and streams beside the test."""

import json
import threading

import pytest

from kafka_mock import broker
from stampshift.core.joblog import Request
from stampshift.scoring.units import Scoring

SECONDS = 300  # after which a test fails that waits for messages
DEFAULTS = {"settings": {}, "topics": ["alerts"], "group": "stampshift", "output": "scores"}
DEFAULTS |= {"letters": "dead", "schemas": None, "processes": 1, "unit_minutes": 1}


class Cluster:
    """A broker, and what came to its topics."""

    def __init__(self, kafka, broker) -> None:
        self.kafka, self.broker, self.address = kafka, broker, broker.address
        self._producer = kafka.Producer({"bootstrap.servers": self.address, "log_level": 0})

    def send(self, *contents, topic="alerts", key=None):
        for content in contents:
            self._producer.produce(topic, content, key)
        assert self._producer.flush(SECONDS) == 0

    def consumer(self, group):
        own = {"bootstrap.servers": self.address, "group.id": group, "log_level": 0}
        return self.kafka.Consumer(own | {"enable.auto.commit": False})

    def received(self, topic, until):
        """Messages of a topic from its beginning, until there are so many or `until` of them is true."""
        consumer, found = self.consumer("reader"), []
        partitions = self._producer.list_topics(topic, timeout=SECONDS).topics[topic].partitions
        consumer.assign([self.kafka.TopicPartition(topic, number, 0) for number in partitions])
        enough = until if callable(until) else lambda messages: len(messages) >= until
        while not enough(found):
            message = consumer.poll(SECONDS)
            assert message is not None, f"{topic}: {len(found)} messages and no more"
            assert message.error() is None, message.error()
            found.append(message)
        consumer.close()
        return found

    def everything(self, topic):
        """All messages of a topic to which nobody writes any more."""
        consumer, count = self.consumer("reader"), 0
        for number in self._producer.list_topics(topic, timeout=SECONDS).topics[topic].partitions:
            count += consumer.get_watermark_offsets(self.kafka.TopicPartition(topic, number), SECONDS)[1]
        consumer.close()
        return self.received(topic, count)

    def lines(self, until, topic="scores"):
        return [json.loads(message.value()) for message in self.received(topic, until)]

    def committed(self, group="stampshift", topic="alerts"):
        """Messages of a topic behind which the group's offsets are."""
        consumer = self.consumer(group)
        partitions = self._producer.list_topics(topic, timeout=SECONDS).topics[topic].partitions
        places = consumer.committed([self.kafka.TopicPartition(topic, number) for number in partitions])
        consumer.close()
        return sum(max(0, place.offset) for place in places)


@pytest.fixture
def cluster():
    kafka = pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")
    with broker(kafka) as started:
        yield Cluster(kafka, started)


@pytest.fixture
def streaming(cluster, released):
    """Runs a stream beside the test until the test asks it to stop, which gives its tally."""
    from stampshift.streaming.stream import stream

    class Streaming:
        def __init__(self, **options) -> None:
            self.request, self.found = Request(), []
            settings = DEFAULTS | options
            settings["settings"] = {"bootstrap.servers": cluster.address, **settings["settings"]}
            scoring = Scoring(released.folder, None, settings.pop("threshold", None))

            def work():
                try:
                    self.found.append(stream(scoring, request=self.request, **settings))
                except Exception as error:
                    self.found.append(error)

            self._thread = threading.Thread(target=work)
            self._thread.start()

        def stop(self):
            self.request.signal_name = "SIGTERM"
            return self.end()

        def end(self):
            """Its tally, or the error that ended it."""
            self._thread.join()
            return self.found[0]

    started = []

    def start(**options):
        started.append(Streaming(**options))
        return started[-1]

    yield start
    for each in started:
        each.stop()
