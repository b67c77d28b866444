"""Messages of topics as a member of a consumer group, whose offsets are committed by hand."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from stampshift.core.errors import ConfigError
from stampshift.streaming.connection import BrokerError, Settings, text_of
from stampshift.streaming.packets import Message

SECONDS = 1.0  # that a batch is waited for
BACK_PRESSURE_KB = 64 << 10  # of messages that wait in this process: no more is fetched then
FOR_GOOD = {  # errors that no waiting ends
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.TOPIC_EXCEPTION,
}

log = logging.getLogger(__name__)


class Incoming:
    """A member of a consumer group.

    The broker shares the partitions of the topics among the members. What comes first to a new group is the
    oldest message that a topic still has. A topic that begins with ``^`` is a regular expression.
    """

    def __init__(self, settings: Settings, topics: Sequence[str], *, group: str, most_seconds: float) -> None:
        own = {"group.id": group, "enable.auto.commit": False, "enable.auto.offset.store": False}
        own |= {"max.poll.interval.ms": round(1000 * most_seconds)}
        defaults = {"auto.offset.reset": "earliest", "queued.max.messages.kbytes": BACK_PRESSURE_KB}
        try:
            self._consumer = Consumer({**defaults, **settings, **own}, logger=log)
        except KafkaException as error:
            raise ConfigError(f"a property of librdkafka is wrong: {text_of(error)}.") from error
        self._warned = ""
        self.newly_assigned = False  # to be taken back by who acts on it
        self._consumer.subscribe(list(topics), on_assign=self._assigned)

    def batch(self, most: int) -> list[Message]:
        """The next messages, at most so many, or those that have come within `SECONDS`."""
        return list(self._good(self._consumer.consume(most, SECONDS)))

    def commit(self, messages: Sequence[Message]) -> None:
        """Say that all is out that comes of these messages, and of those before them in their partitions.

        Where the broker does not take that, they will come again, to this member or to another.
        """
        ends: dict[tuple[str, int], int] = {}
        for message in messages:
            partition = message.topic, message.partition
            ends[partition] = max(ends.get(partition, 0), message.offset + 1)
        try:
            offsets = [TopicPartition(topic, number, end) for (topic, number), end in ends.items()]
            done = self._consumer.commit(offsets=offsets, asynchronous=False)
            refused = next((each.error for each in done or () if each.error), None)
        except KafkaException as error:
            refused = error.args[0]
        if refused is not None:
            log.warning(
                "the broker did not take the offsets of %d messages whose scores are out (%s): they may be "
                "scored again, marked as duplicates.", len(messages), refused.str(),
            )  # fmt: skip

    def waiting(self) -> int | None:
        """Messages of this member's partitions behind those that it has read; None if that is not known."""
        left = 0
        try:
            for place in self._consumer.position(self._consumer.assignment()):
                low, high = self._consumer.get_watermark_offsets(place, cached=True)
                if high < 0:
                    return None
                left += max(0, high - (place.offset if place.offset >= 0 else low))
        except KafkaException:
            return None
        return left

    def close(self) -> None:
        """Leave the group: the others take over at once."""
        self._consumer.close()

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:  # noqa: ARG002
        self.newly_assigned = True

    def _good(self, found: Sequence[Any]) -> Iterator[Message]:
        for each in found:
            error = each.error()
            if error is None:
                kind, milliseconds = each.timestamp()
                sent = milliseconds / 1000 if kind else None
                content = each.value() or b""
                yield Message(each.topic(), each.partition(), each.offset(), each.key(), content, sent)
            elif error.fatal() or error.code() in FOR_GOOD:
                raise BrokerError(f"the broker refuses for good: {error.str()}.")
            elif error.str() != self._warned:
                self._warned = error.str()
                log.warning("%s", error.str())
