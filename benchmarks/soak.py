"""A night of 50,000 alerts under attack: damaged packets, workers that are killed, a second writer.

    python benchmarks/soak.py RELEASE [--packets 50000] [--folder soak]

The night is scored twice: whole and in peace, then with one packet in a hundred damaged in one of 20 ways, a
worker killed every few seconds, and a second `stampshift score` on the same output. What is asserted: as many
lines as packets, the same scores of all good packets, and one owner of the output. Memory is reported.
"""

import argparse
import gzip
import io
import random
import signal
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import fastavro
import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from stampshift.core.files import read_table
from stampshift.core.folders import atomic_folder

CUTOUTS = ("cutoutTemplate", "cutoutScience", "cutoutDifference")
PER_FILE, PER_BLOCK = 500, 10
STAMPSHIFT = [sys.executable, "-c", "from stampshift.cli import main; main()"]
WIDTH, HEIGHT = b"NAXIS1  =                   30", b"NAXIS2  =                   30"
BOMB = gzip.compress(bytes(300_000_000))


def with_card(content, old, new):
    return content.replace(old, new.ljust(len(old)), 1)


def pixels_of(content, value):
    """FITS bytes whose pixels are all the same."""
    return content[:2880] + np.full((len(content) - 2880) // 4, value, ">f4").tobytes()


def first_rows(content):
    """A cutout of other rows than columns."""
    return with_card(content, HEIGHT, b"NAXIS2  =                   20")


# ways to damage a packet, in any container: functions of its fields
IN_A_PACKET = {
    "no science": lambda fields: fields | {"cutoutScience": None},
    "no cutout at all": lambda fields: fields | dict.fromkeys(CUTOUTS),
    "an empty cutout": lambda fields: fields | {"cutoutTemplate": b""},
    "a cutout cut short": lambda fields: fields | {"cutoutScience": fields["cutoutScience"][:3000]},
    "a header cut short": lambda fields: fields | {"cutoutScience": fields["cutoutScience"][:400]},
    "zeros for a cutout": lambda fields: fields | {"cutoutScience": bytes(6000)},
    "noise for a cutout": lambda fields: fields | {"cutoutScience": random.Random(1).randbytes(6000)},
    "a picture": lambda fields: fields | {"cutoutScience": b"\x89PNG\r\n\x1a\n" + bytes(500)},
    "a text": lambda fields: fields | {"cutoutDifference": b"not available"},
    "a bomb": lambda fields: fields | {"cutoutDifference": BOMB},
    "gzip cut short": lambda fields: fields | {"cutoutScience": gzip.compress(fields["cutoutScience"])[:-9]},
    "no valid pixel": lambda fields: fields | {"cutoutScience": pixels_of(fields["cutoutScience"], np.nan)},
    "not square": lambda fields: fields | {name: first_rows(fields[name]) for name in CUTOUTS},
    "sizes that differ": lambda fields: fields | {"cutoutScience": first_rows(fields["cutoutScience"])},
    "a header that promises too much": lambda fields: fields
    | {"cutoutScience": with_card(fields["cutoutScience"], WIDTH, b"NAXIS1  =                99999")},
}  # fmt: skip
# and the file of a packet
OF_A_FILE = {
    "an empty file": lambda _: b"",
    "a file of noise": lambda content: random.Random(2).randbytes(len(content)),
    "a file cut short": lambda content: content[: len(content) // 2],
    "another magic": lambda content: b"Abj\x01" + content[4:],
    "gzip of nothing": lambda _: gzip.compress(b""),
}


def drawn(folder, seed):
    """2,000 packets of a simulated survey, and their schema."""
    with atomic_folder(folder) as temporary:
        command = ["simulate", "Rubin", str(temporary), "--stamps", "2000", "--seed", str(seed)]
        subprocess.run([*STAMPSHIFT, *command], check=True)
    found = []
    for path in sorted(folder.glob("*.avro")):
        with path.open("rb") as stream:
            reader = fastavro.reader(stream)
            schema, found = reader.writer_schema, [*found, *reader]
    return schema, found


def numbered(fields, number):
    return fields | {"diaSourceId": number, "diaSource": fields["diaSource"] | {"diaSourceId": number}}


def container(schema, packets):
    stream = io.BytesIO()
    writer = fastavro.write.Writer(stream, schema, codec="deflate", sync_interval=10**9)
    for number, fields in enumerate(packets, 1):
        writer.write(fields)
        if number % PER_BLOCK == 0:
            writer.dump()
    writer.flush()
    return stream.getvalue()


def write_night(folder, schema, packets, *, count, damaged):
    """Containers, tars of single packets and tables in turns; the way in which each packet was damaged."""
    ways, chosen = {}, random.Random(3)
    names = list(IN_A_PACKET)
    folder.mkdir(parents=True)
    for first in range(0, count, PER_FILE):
        numbers = range(first + 1, min(first + PER_FILE, count) + 1)
        form = ("avro", "tar.gz", "parquet")[first // PER_FILE % 3]
        rows, files = [], {}
        for number in numbers:
            fields = numbered(packets[number % len(packets)], number)
            if damaged and chosen.random() < damaged:
                ways[number] = chosen.choice(names + list(OF_A_FILE) if form == "tar.gz" else names)
                fields = IN_A_PACKET.get(ways[number], dict)(fields)
            rows.append(fields)
            if form == "tar.gz":
                files[number] = OF_A_FILE.get(ways.get(number), bytes)(container(schema, [fields]))
        path = folder / f"{first:06}.{form}"
        if form == "avro":
            path.write_bytes(container(schema, rows))
        elif form == "parquet":
            pq.write_table(pa.Table.from_pylist(rows), path)
        else:
            with tarfile.open(path, "w:gz", compresslevel=1) as tar:
                for number, content in files.items():
                    member = tarfile.TarInfo(f"{number}.avro")
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
    return ways


def score(release, night, output, *options):
    command = ["score", str(release), str(night), "--output", str(output), *options]
    return subprocess.Popen(
        [*STAMPSHIFT, *command], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def workers(process):
    """Processes that score for another: those below its fork server."""
    return [each for child in process.children() for each in child.children()]


def watch(process, memory, killed, every):
    """Note the memory of all processes of a call, and kill one of its workers every few seconds."""
    chosen, after = random.Random(4), time.monotonic() + every
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        try:
            family = [process, *process.children(recursive=True)]
            memory.append(sum(each.memory_full_info().uss for each in family) / 1e6)
            if every and time.monotonic() > after and (found := workers(process)):
                chosen.choice(found).send_signal(signal.SIGKILL)
                killed.append(time.monotonic())
                after += every
        except psutil.Error:
            pass
        time.sleep(0.5)


def run(release, night, output, *, processes, kill_every, second_writer):
    memory, killed, begin = [], [], time.perf_counter()
    process = score(release, night, output, "--processes", str(processes))
    watcher = threading.Thread(target=watch, args=(psutil.Process(process.pid), memory, killed, kill_every))
    watcher.start()
    if second_writer:
        time.sleep(5)
        refused = score(release, night, output, "--processes", "1")
        _, errors = refused.communicate()
        assert refused.returncode != 0, "a second writer of the same output was not refused"
        print(f"second writer: exit status {refused.returncode}; {errors.strip().splitlines()[-1]}")
    _, errors = process.communicate()
    watcher.join()
    assert process.returncode == 0, errors[-3000:]
    quarter = max(1, len(memory) // 4)
    print(
        f"{output.name}: {time.perf_counter() - begin:.0f} s, {len(killed)} workers killed, memory of all "
        f"processes at most {max(memory[quarter : 2 * quarter] or memory):.0f} MB in the second quarter, "
        f"{max(memory[-quarter:]):.0f} MB in the last"
    )
    return read_table(output)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("release", type=Path, help="a released model")
    parser.add_argument("--packets", type=int, default=50_000)
    parser.add_argument("--damaged", type=float, default=0.01, help="share of the packets")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--kill-every", type=float, default=10, help="seconds")
    parser.add_argument("--folder", type=Path, default=Path("soak"))
    arguments = parser.parse_args()
    folder, count = arguments.folder, arguments.packets
    schema, packets = drawn(folder / "drawn", 1)
    write_night(folder / "calm", schema, packets, count=count, damaged=0)
    ways = write_night(folder / "stormy", schema, packets, count=count, damaged=arguments.damaged)
    print(f"{count} packets, {len(ways)} of them damaged in {len(set(ways.values()))} ways")
    calm, stormy = (
        run(
            arguments.release, folder / night, folder / f"{night}.parquet",
            processes=arguments.processes, kill_every=every, second_writer=every > 0,
        )
        for night, every in (("calm", 0), ("stormy", arguments.kill_every))
    )  # fmt: skip
    assert len(calm) == len(stormy) == count, f"{len(calm)} and {len(stormy)} lines"
    columns = ["score", "similarity", "distance", "object", "flag"]
    good = [str(number) for number in range(1, count + 1) if number not in ways]
    left, right = (table.set_index("id").loc[good, columns] for table in (calm, stormy))
    pd.testing.assert_frame_equal(left, right, check_exact=True)
    unscored = stormy["score"].isna().sum()
    print(f"{len(stormy)} lines; {len(good)} good packets have the calm run's scores; {unscored} have none")


if __name__ == "__main__":
    main()
