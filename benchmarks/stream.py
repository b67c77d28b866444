"""Candidates per second and core that `stampshift stream` scores, from a broker's topic to another.

    stampshift export results/demo/baseline/ZTF/seed-0 --output released
    python benchmarks/stream.py released --count 5000 --processes 1 2

The packets are synthetic, like ZTF's, as in packets.py. The broker is librdkafka's mock in a process of its
own, or --broker, with topics that are made for this: as many as it takes, since a partition of the mock
forgets what is older than its last 5 MB. The clock starts at the first batch's lines and ends at the last's,
so that neither the start of the workers nor joining the group counts; processor time is that of all processes
of the stream, their start included.
"""

import argparse
import io
import json
import multiprocessing
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager, nullcontext

import psutil
from confluent_kafka import Consumer, Producer
from fastavro import parse_schema, writer

from packets import made_by_hand

SECONDS = 60.0  # without a line, after which something is wrong
HISTORY = 30
TOPIC_BYTES = 8e6  # of the 20 MB that the four partitions of a topic remember


def serve(pipe):
    cluster = Producer({"test.mock.num.brokers": 1, "log_level": 0})
    (broker,) = cluster.list_topics(timeout=SECONDS).brokers.values()
    pipe.send(f"{broker.host}:{broker.port}")
    pipe.recv()


@contextmanager
def mock():
    """Address of a broker that lasts as long as the block."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def contents():
    """Some packets, each in a container of its own."""
    schema, alike = made_by_hand("ZTF", HISTORY, 500)
    parsed = parse_schema(schema)
    for packet in alike:
        file = io.BytesIO()
        writer(file, parsed, [packet])
        yield file.getvalue()


def fill(broker, name, packets, count):
    """Send so many packets, the same ones again and again, to as many topics as hold them."""
    producer = Producer({"bootstrap.servers": broker, "sticky.partitioning.linger.ms": 0})
    per_topic = int(TOPIC_BYTES / max(map(len, packets)))
    for number in range(count):
        producer.produce(f"{name}-{number // per_topic}", packets[number % len(packets)])
        if number % 100 == 99:
            producer.flush()
    producer.flush()


def acknowledged(broker, topic, count):
    """Times of the first and the last of so many lines, and how many came with the first batch."""
    reader = Consumer({"bootstrap.servers": broker, "group.id": topic, "auto.offset.reset": "earliest"})
    reader.subscribe([topic])
    times = []
    while len(times) < count:
        message = reader.poll(SECONDS)
        if message is None:
            sys.exit(f"{len(times)} of {count} lines after {SECONDS:g} seconds without one")
        if message.error() is None:
            json.loads(message.value())
            times.append(message.timestamp()[1] / 1000)
    reader.close()
    return min(times), max(times), sum(each < min(times) + 0.01 for each in times)


def measured(release, broker, packets, count, processes):
    name = uuid.uuid4().hex[:8]
    fill(broker, f"alerts-{name}", packets, count)
    words = ["--broker", broker, "--topic", f"^alerts-{name}", "--model", release]
    words += ["--output-topic", f"scores-{name}", "--processes", str(processes)]
    command = [sys.executable, "-c", "from stampshift.cli import main; main()", "stream", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        first, last, at_first = acknowledged(broker, f"scores-{name}", count)
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        used = sum(sum(each.cpu_times()[:2]) for each in family)
    finally:
        process.terminate()
        process.communicate()
    rate, size = (count - at_first) / (last - first), sum(map(len, packets)) / len(packets) / 1000
    print(f"| {processes} | {count:,} | {size:.0f} | {rate:.0f} | {count / used:.0f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("release", help="folder of a released model")
    parser.add_argument("--broker", help="host:port of a broker; a mock in a process of its own if not given")
    parser.add_argument("--count", type=int, default=5_000, help="packets of each line")
    parser.add_argument("--processes", type=int, nargs="+", default=[1])
    arguments = parser.parse_args()
    packets = list(contents())
    print(f"# {time.strftime('%Y-%m-%d')}")
    print("| processes | packets | KB each | candidates/s by the clock | candidates/s of processor time |")
    print("|---|---|---|---|---|")
    with nullcontext(arguments.broker) if arguments.broker else mock() as broker:
        for processes in arguments.processes:
            measured(arguments.release, broker, packets, arguments.count, processes)


if __name__ == "__main__":
    main()
