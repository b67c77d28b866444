"""Candidates per second and core that `stampshift stream` scores, from a broker's topic to another.

    stampshift export results/demo/baseline/ZTF/seed-0 --output released
    python benchmarks/stream.py released --count 20000 --processes 1 2

The packets are synthetic, like ZTF's, as in packets.py. The broker is librdkafka's mock in a process of its
own, or --broker, with topics that are made for this. The clock starts at the first acknowledged line and ends
at the last, so that neither the start of the workers nor joining the group counts; processor time is that of
all processes of the stream, their start included.
"""

import argparse
import io
import json
import multiprocessing
import subprocess
import sys
import time
import uuid

import psutil
from confluent_kafka import Consumer, Producer
from fastavro import parse_schema, writer
from packets import made_by_hand

SECONDS = 120.0  # without a line, after which something is wrong
HISTORY = 30


def mock(pipe):
    """A broker of its own process, until the pipe ends."""
    cluster = Producer({"test.mock.num.brokers": 1})
    (broker,) = cluster.list_topics(timeout=SECONDS).brokers.values()
    pipe.send(f"{broker.host}:{broker.port}")
    pipe.recv()


def fill(broker, topic, count):
    schema, alike = made_by_hand("ZTF", HISTORY, min(count, 500))
    contents, parsed = [], parse_schema(schema)
    for packet in alike:
        stream = io.BytesIO()
        writer(stream, parsed, [packet])
        contents.append(stream.getvalue())
    producer = Producer({"bootstrap.servers": broker})
    for number in range(count):
        while True:
            try:
                producer.produce(topic, contents[number % len(contents)])
                break
            except BufferError:
                producer.poll(1)
    producer.flush()
    return sum(map(len, contents)) / len(contents)


def acknowledged(broker, topic, count):
    """Times of the first and the last of so many lines, and how many came with the first batch."""
    reader = Consumer({"bootstrap.servers": broker, "group.id": topic, "auto.offset.reset": "earliest"})
    reader.subscribe([topic])
    times = []
    while len(times) < count:
        found = reader.consume(1000, SECONDS)
        if not found:
            sys.exit(f"{len(times)} of {count} lines after {SECONDS:g} seconds without one")
        for message in found:
            if message.error() is None:
                json.loads(message.value())
                times.append(message.timestamp()[1] / 1000)
    reader.close()
    return min(times), max(times), sum(each < min(times) + 0.01 for each in times)


def measured(release, broker, count, processes):
    name = uuid.uuid4().hex[:8]
    size = fill(broker, f"alerts-{name}", count)
    words = ["--broker", broker, "--topic", f"alerts-{name}", "--model", release]
    words += ["--output-topic", f"scores-{name}", "--processes", str(processes)]
    command = [sys.executable, "-c", "from stampshift.cli import main; main()", "stream", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    first, last, at_first = acknowledged(broker, f"scores-{name}", count)
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    used = sum(sum(each.cpu_times()[:2]) for each in family)
    process.terminate()
    process.communicate()
    rate = (count - at_first) / max(last - first, 1e-9)
    print(f"| {processes} | {count} | {size / 1000:.0f} | {rate:.0f} | {count / used:.0f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("release", help="folder of a released model")
    parser.add_argument("--broker", help="host:port of a broker; a mock in a process of its own if not given")
    parser.add_argument("--count", type=int, default=20_000, help="packets of each line")
    parser.add_argument("--processes", type=int, nargs="+", default=[1])
    arguments = parser.parse_args()
    broker, ours = arguments.broker, None
    if broker is None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        context.Process(target=mock, args=(theirs,), daemon=True).start()
        broker = ours.recv()
    print(f"# {time.strftime('%Y-%m-%d')}")
    print("| processes | packets | KB each | candidates/s by the clock | candidates/s of processor time |")
    print("|---|---|---|---|---|")
    for processes in arguments.processes:
        measured(arguments.release, broker, arguments.count, processes)


if __name__ == "__main__":
    main()
