"""A Kafka broker in this process: librdkafka's mock, by functions that its Python package does not wrap."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

PRODUCER = 0
PRODUCE = 0  # number of the request in Kafka's protocol
ALL = ctypes.c_int32(-1)


class Broker:
    """One broker; topics have four partitions and appear when they are asked for."""

    def __init__(self, library: ctypes.CDLL, mock: ctypes.c_void_p) -> None:
        self._library, self._mock = library, mock
        library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
        self.address = library.rd_kafka_mock_cluster_bootstraps(mock).decode()
        # a real broker waits three seconds for more members of a new group
        library.rd_kafka_mock_group_initial_rebalance_delay_ms(mock, 0)

    def go_away(self) -> None:
        """Be off the net, all connections cut."""
        self._library.rd_kafka_mock_broker_set_down(self._mock, ALL)

    def come_back(self) -> None:
        self._library.rd_kafka_mock_broker_set_up(self._mock, ALL)

    def refuse_next_write(self, error: int) -> None:
        """Answer the next request that writes messages with an error of Kafka's protocol."""
        errors = (ctypes.c_int * 1)(error)
        count = ctypes.c_size_t(1)
        self._library.rd_kafka_mock_push_request_errors_array(self._mock, PRODUCE, count, errors)


@contextmanager
def broker(kafka) -> Iterator[Broker]:
    """A broker as long as the block lasts, given the package ``confluent_kafka``."""
    library = ctypes.CDLL(kafka.cimpl.__file__)  # and with it the librdkafka that it is linked to
    library.rd_kafka_new.restype = library.rd_kafka_mock_cluster_new.restype = ctypes.c_void_p
    said = ctypes.create_string_buffer(512)
    client = ctypes.c_void_p(library.rd_kafka_new(PRODUCER, None, said, ctypes.c_size_t(len(said))))
    assert client, said.value.decode()
    mock = ctypes.c_void_p(library.rd_kafka_mock_cluster_new(client, 1))
    try:
        yield Broker(library, mock)
    finally:
        library.rd_kafka_mock_cluster_destroy(mock)
        library.rd_kafka_destroy(client)
