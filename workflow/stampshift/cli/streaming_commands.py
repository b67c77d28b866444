"""The command that scores a stream of alerts."""

from pathlib import Path
from typing import Annotated

import typer

from stampshift.cli.options import Processes, Schemas, Survey
from stampshift.core.printing import echo

app = typer.Typer()


@app.command(short_help="Score a topic of alerts (Kafka) as they come.")
def stream(
    broker: Annotated[
        str, typer.Option(help="Address of a Kafka broker, host:port; several with commas between them.")
    ],
    topic: Annotated[
        list[str],
        typer.Option(help="Topic of alerts; repeatable. One that begins with ^ is a regular expression."),
    ],
    model: Annotated[Path, typer.Option(help="Folder of a released model (made by `stampshift export`).")],
    output_topic: Annotated[str, typer.Option(help="Topic to which the scores go, a line of JSON each.")],
    dead_letter_topic: Annotated[
        str | None,
        typer.Option(
            help="Topic to which messages go that cannot be read; <output topic>-dead-letters if not given."
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            help="Consumer group: its members share the topic. stampshift-<output topic> if not given."
        ),
    ] = None,
    properties: Annotated[
        Path | None,
        typer.Option(help="File of librdkafka's properties (name=value), such as how to log in."),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Score from which a candidate is called real.")
    ] = None,
    survey: Survey = None,
    schemas: Schemas = None,
    processes: Processes = None,
    unit_minutes: Annotated[
        float,
        typer.Option(
            min=0.001,
            help="Minutes that a unit of some hundred candidates may take; a candidate that takes longer is "
            "flagged.",
        ),
    ] = 1,
) -> None:
    """Score a topic of alerts as they come, until SIGTERM or Ctrl-C; offsets are committed after the scores.

    Every packet is scored at least once, wherever the process ends; the same command goes on where it was.
    Run it on several machines to share the topic's partitions. Exit status after a signal: 0.
    """
    from joblib import cpu_count

    from stampshift.core.joblog import COMMAND_SIGNALS, noting
    from stampshift.scoring.units import Scoring
    from stampshift.streaming.connection import settings_of
    from stampshift.streaming.stream import stream as score_stream

    with noting(*COMMAND_SIGNALS) as request:
        tally = score_stream(
            Scoring(model, survey, threshold),
            settings=settings_of(broker, properties),
            topics=topic,
            group=group or f"stampshift-{output_topic}",
            output=output_topic,
            letters=dead_letter_topic or f"{output_topic}-dead-letters",
            schemas=schemas,
            processes=processes or cpu_count(),
            unit_minutes=unit_minutes,
            request=request,
        )
    echo(f"stream: stopped by {request.signal_name}, all that was read is committed: {tally.total()}")
