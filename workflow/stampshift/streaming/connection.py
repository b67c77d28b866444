"""How a broker is reached: properties of librdkafka, and what is checked before the first packet."""

import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException, Producer

from stampshift.core.errors import ConfigError, StampshiftError

SECONDS = 10.0  # in which a broker has to answer at the start
TRIES = 10  # of asking for a topic that the broker makes when it is first asked for
# what the promises of a stream depend on, which no file of properties sets
OWN = {"bootstrap.servers", "group.id", "enable.auto.commit", "enable.auto.offset.store"}
OWN |= {"acks", "enable.idempotence", "message.timeout.ms", "message.max.bytes", "max.poll.interval.ms"}
REGEX = "^"  # librdkafka takes a topic that begins so for a pattern

log = logging.getLogger(__name__)

Settings = Mapping[str, Any]


class BrokerError(StampshiftError):
    """A broker refuses for good what is asked of it."""


def read_properties(path: Path) -> dict[str, str]:
    """Properties of librdkafka in a file of lines ``name=value``, such as kcat's; ``#`` begins a comment.

    Raises
    ------
    ConfigError
        If the file cannot be read, a line is none of these, or sets what the promises of a stream depend on.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        found = "no such file" if isinstance(error, FileNotFoundError) else f"cannot be read ({error})"
        raise ConfigError(f"{path}: {found}.") from error
    properties = {}
    for number, line in enumerate(lines, 1):
        name, equals, value = (part.strip() for part in line.partition("="))
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not equals or name in OWN:
            # the line itself may hold a password
            wrong = f"sets {name}, which the command sets itself" if equals else "expected name=value"
            raise ConfigError(f"{path}, line {number}: {wrong}.")
        properties[name] = value
    return properties


def settings_of(broker: str, properties: Path | None) -> Settings:
    """Settings of every client of a broker, ``host:port``, or several with commas between them."""
    given = {} if properties is None else read_properties(properties)
    return {"bootstrap.servers": broker, "error_cb": _log_error, **given}


def check_topics(topics: Sequence[str], written: Sequence[str]) -> None:
    """Raise a `ConfigError` where a stream would read what it writes."""
    for topic in topics:
        try:
            read = [
                name for name in written if name == topic or (topic[:1] == REGEX and re.match(topic, name))
            ]
        except re.error as error:
            raise ConfigError(f"--topic {topic}: expected a regular expression ({error}).") from error
        if read:
            raise ConfigError(
                f"--topic {topic} reads {read[0]}, which the stream writes; give it another name."
            )


def connect(settings: Settings, *, topics: Sequence[str]) -> Producer:
    """A producer whose messages are acknowledged by all replicas, once the broker has the topics to write.

    It waits for an acknowledgement as long as it takes, and sends no message twice for want of one.

    Raises
    ------
    ConfigError
        If a setting is wrong, no broker answers, or it neither has nor makes such a topic.
    """
    own = {"acks": "all", "enable.idempotence": True, "message.timeout.ms": 0}
    # the broker decides on the largest message: what came from one is not too large to be sent
    own |= {"message.max.bytes": 10**9, "linger.ms": 20}
    where = settings["bootstrap.servers"]
    try:
        producer = Producer({**own, **settings}, logger=log)
    except KafkaException as error:
        raise ConfigError(f"{where}: a property of librdkafka is wrong: {text_of(error)}.") from error
    for topic in topics:
        _check_topic(producer, topic, where)
    return producer


def _check_topic(producer: Producer, topic: str, where: str) -> None:
    found: object = ""
    for _ in range(TRIES):
        try:
            found = producer.list_topics(topic, timeout=SECONDS).topics[topic].error
        except KafkaException as error:
            raise ConfigError(
                f"{where}: no broker answered within {SECONDS:g} seconds ({text_of(error)}). Check --broker, "
                "and in --properties how to log in."
            ) from error
        if found is None:
            return
        producer.poll(SECONDS / TRIES)  # it is being made
    raise ConfigError(f"{where}: has no topic {topic} to write to ({found}). Make it, or ask for it.")


def text_of(error: KafkaException) -> str:
    """What an exception of librdkafka says."""
    return str(error.args[0].str() if error.args and hasattr(error.args[0], "str") else error).rstrip(".")


def _log_error(error: Any) -> None:
    log.warning("%s", error.str())
