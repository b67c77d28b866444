"""Scores and dead letters to their topics: nothing counts as sent before the broker has acknowledged it."""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from stampshift.streaming.connection import BrokerError, Settings, text_of
from stampshift.streaming.packets import DeadLetter, as_json, candidate_of
from stampshift.streaming.recent import MOST, Candidate

SECONDS = 0.5  # between two looks at whether to stop
STOP_SECONDS = 20.0  # that an acknowledgement is waited for after a signal: batch systems kill after 30
REASON_CHARACTERS = 1000
TAIL_SECONDS = 30.0
TOO_LARGE = " Set batch.size in the file of --properties below the topic's max.message.bytes."
GROUP = "group"  # header of a line: the consumer group that scored it

log = logging.getLogger(__name__)


class Outgoing:
    """Scores and dead letters on their way."""

    def __init__(self, producer: Producer, *, scores: str, dead_letters: str, group: str) -> None:
        self._producer, self._scores, self._dead_letters = producer, scores, dead_letters
        self._headers = [(GROUP, group.encode())]
        self._too_large: list[DeadLetter] = []
        self._failed: KafkaError | None = None

    def send_line(self, line: Mapping[str, Any]) -> None:
        """Send a line of scores, its key the candidate's identifier, if that is known."""
        key = line["id"].encode() if line["id"] else None
        self._send(self._scores, as_json(line), key, self._headers, self._sent)

    def send_letter(self, letter: DeadLetter, *, whole: bool = True) -> None:
        """Send a message as it came, or without its bytes; reason and place are headers."""
        message = letter.message
        headers = {"reason": letter.reason[:REASON_CHARACTERS], "topic": message.topic}
        headers |= {"partition": str(message.partition), "offset": str(message.offset)}
        texts = [(name, text.encode()) for name, text in headers.items()] + self._headers
        content = message.content if whole else None
        done = partial(self._letter_sent, letter=letter) if whole else self._sent
        self._send(self._dead_letters, content, message.key, texts, done)

    def settle(self, stopping: Callable[[], object]) -> bool:
        """Wait until the broker has acknowledged all, as long as it takes; whether it has.

        It has not if it was to stop and `STOP_SECONDS` were not enough. Raises a `BrokerError` if the broker
        refuses a line.
        """
        end = None
        while True:
            while self._too_large:
                self.send_letter(self._too_large.pop(), whole=False)
            left = self._producer.flush(SECONDS)
            if self._failed is not None:
                remedy = TOO_LARGE if self._failed.code() == KafkaError.MSG_SIZE_TOO_LARGE else ""
                raise BrokerError(f"the broker refuses what is sent to it: {self._failed.str()}.{remedy}")
            if not left and not self._too_large:
                return True
            if stopping():
                end = end or time.monotonic() + STOP_SECONDS
                if time.monotonic() >= end:
                    return False

    def drop(self) -> None:
        """Give up what is not acknowledged."""
        self._producer.purge()
        self._producer.flush(SECONDS)

    def _send(self, topic: str, content: bytes | None, key: bytes | None, headers: Any, done: Any) -> None:
        while True:
            try:
                self._producer.produce(topic, content, key, headers=headers, on_delivery=done)
            except BufferError:  # as much is on its way as may be
                self._producer.poll(SECONDS)
            except KafkaException as error:
                raise BrokerError(f"{topic}: cannot be written to: {text_of(error)}.") from error
            else:
                self._producer.poll(0)
                return

    def _sent(self, error: KafkaError | None, message: Message) -> None:  # noqa: ARG002
        self._failed = self._failed or error

    def _letter_sent(self, error: KafkaError | None, message: Message, *, letter: DeadLetter) -> None:
        if error is not None and error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            log.warning("%s: its bytes are too large for the topic of dead letters.", letter.message.place)
            self._too_large.append(letter)
        else:
            self._sent(error, message)


def scored_lately(settings: Settings, topic: str, *, group: str) -> Iterator[Candidate]:
    """Candidates of the last lines of a topic of scores that a group wrote, about `recent.MOST` of them.

    A member that takes over the partitions of another, or starts again, knows by them what was scored.
    """
    own = {"group.id": group, "enable.auto.commit": False, "enable.partition.eof": True}
    reader = Consumer({**settings, **own}, logger=log)
    try:
        partitions = reader.list_topics(topic, timeout=TAIL_SECONDS).topics[topic].partitions
        places = []
        for number in partitions:
            low, high = reader.get_watermark_offsets(TopicPartition(topic, number), timeout=TAIL_SECONDS)
            places.append(TopicPartition(topic, number, max(low, high - MOST // len(partitions))))
        reader.assign(places)
        yield from _candidates(reader, len(places), group.encode())
    except KafkaException as error:
        log.warning("%s: cannot be read (%s): what was scored before is not marked.", topic, text_of(error))
    finally:
        reader.close()


def _candidates(reader: Consumer, partitions: int, group: bytes) -> Iterator[Candidate]:
    left, end = partitions, time.monotonic() + TAIL_SECONDS
    while left and time.monotonic() < end:
        for message in reader.consume(1000, SECONDS):
            error = message.error()
            if error is not None:
                left -= error.code() == KafkaError._PARTITION_EOF
            elif (GROUP, group) in (message.headers() or ()):
                try:
                    candidate = candidate_of(json.loads(message.value() or b""))
                except (ValueError, TypeError, KeyError, AttributeError):  # of another program
                    continue
                if candidate is not None:
                    yield candidate
    if left:
        log.warning("the last lines of scores cannot all be read: not all duplicates are marked.")
