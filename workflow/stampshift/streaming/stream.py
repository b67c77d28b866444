"""Score a topic of alerts as it comes: at least once, by as many machines as share its partitions."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pyarrow as pa

from stampshift.core.errors import ConfigError
from stampshift.core.joblog import Request
from stampshift.core.parallel import Recovery, recovering_pool
from stampshift.core.printing import echo
from stampshift.release.released import ReleasedModel
from stampshift.scoring.units import Scoring, check_survey, divide, join, lost, score_unit
from stampshift.streaming.connection import BrokerError, Settings, check_topics, connect
from stampshift.streaming.incoming import Incoming
from stampshift.streaming.outgoing import STOP_SECONDS, Outgoing, scored_lately
from stampshift.streaming.packets import Message, candidate_of, dead_letters, units_of
from stampshift.streaming.recent import Recent
from stampshift.streaming.tally import Tally

MESSAGES_PER_PROCESS = 256  # in a batch
# of the time for a unit: what a batch may take until the broker gives its partitions to another member
UNITS_PER_BATCH = 30


def stream(
    scoring: Scoring,
    *,
    settings: Settings,
    topics: Sequence[str],
    group: str,
    output: str,
    letters: str,
    schemas: Path | None,
    processes: int,
    unit_minutes: float,
    request: Request,
) -> Tally:
    """Score topics until it is asked to stop, in batches.

    A batch is read, scored in worker processes, sent, and acknowledged by the broker before its offsets are
    committed and the next one is read: wherever this process ends, every message is scored at least once. A
    candidate that `group` scored lately (`recent.MOST`) has a line that says ``duplicate``. Messages that
    cannot be read go to the topic of dead `letters` too, with their bytes and the reason. A line of metrics
    a minute goes to the standard error.

    Raises
    ------
    ConfigError
        If there is no folder of schemas, no broker answers, or the stream would read what it writes.
    ContractError
        If the model is not whole, or does not know the survey.
    BrokerError
        If the broker refuses something for good, or has not acknowledged the scores when this has to stop.
    """
    if schemas is not None and not schemas.is_dir():
        raise ConfigError(f"{schemas}: no such folder of schemas.")
    check_survey(scoring.survey, release=ReleasedModel.open(scoring.release))
    check_topics(topics, (output, letters))
    producer = connect(settings, topics=(output, letters))
    outgoing = Outgoing(producer, scores=output, dead_letters=letters, group=group)
    recovery = Recovery(60 * unit_minutes, divide, lost, join)
    most_seconds = max(300, 60 * unit_minutes * UNITS_PER_BATCH)
    incoming = Incoming(settings, topics, group=group, most_seconds=most_seconds)
    tally, recent = Tally(), Recent()
    try:
        work = partial(score_unit, scoring=scoring)
        with recovering_pool(work, processes=processes, recovery=recovery) as submit:
            while not request.signal_name:
                messages = incoming.batch(MESSAGES_PER_PROCESS * processes)
                if incoming.newly_assigned:
                    incoming.newly_assigned = False
                    recent.add(scored_lately(settings, output, group=group))
                if messages:
                    todo = [submit(unit) for unit in units_of(messages, schemas=schemas)]
                    table = pa.concat_tables(part for each in todo for part in each.result())
                    _send(messages, table, outgoing, recent, tally, stopping=lambda: request.signal_name)
                    incoming.commit(messages)
                if tally.due():
                    echo(tally.line(waiting=incoming.waiting()), err=True)
    finally:
        incoming.close()
    return tally


def _send(
    messages: Sequence[Message],
    table: pa.Table,
    outgoing: Outgoing,
    recent: Recent,
    tally: Tally,
    *,
    stopping: Callable[[], object],
) -> None:
    """Send what comes of some messages, and wait until the broker has acknowledged it."""
    lines = [line | {"duplicate": recent.scored_before(candidate_of(line))} for line in table.to_pylist()]
    dead = list(dead_letters(messages, table))
    for line in lines:
        outgoing.send_line(line)
    for letter in dead:
        outgoing.send_letter(letter)
    if not outgoing.settle(stopping):
        outgoing.drop()
        raise BrokerError(
            f"stopped, but the broker did not acknowledge the scores of {len(messages)} messages within "
            f"{STOP_SECONDS:g} seconds. Their offsets are not committed: they will be scored again."
        )
    tally.count(lines, messages=len(messages), dead=len(dead), sent=messages[-1].seconds)
