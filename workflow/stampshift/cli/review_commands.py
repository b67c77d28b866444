"""Commands for labels by people."""

import signal
from pathlib import Path
from typing import Annotated, Literal

import typer

from stampshift.core.joblog import SIGNAL_STATUS, Stopped
from stampshift.core.printing import echo

app = typer.Typer()
Order = Literal["suspicion", "uncertainty", "random", "file"]
Strategy = Literal["diversity", "uncertainty", "both", "random"]


@app.command(short_help="Choose which stamps to label next.")
def suggest(
    release: Annotated[
        Path, typer.Argument(help="Folder of a released model (made by `stampshift export`).")
    ],
    stamps: Annotated[Path, typer.Argument(help="Stamps file of the new survey.")],
    count: Annotated[int, typer.Option(min=1, help="Number of stamps to label.")] = 10,
    strategy: Annotated[
        Strategy,
        typer.Option(
            help="Stamps unlike each other, stamps that the model is uncertain of, both, or random ones."
        ),
    ] = "diversity",
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the choice.")] = 0,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Table to write, for `stampshift review`; <stamps>-suggested.parquet if not given."
        ),
    ] = None,
) -> None:
    """Choose which unlabelled stamps to label next, and write them as candidates for `stampshift review`."""
    from stampshift.core.files import write_parquet
    from stampshift.release.released import ReleasedModel
    from stampshift.scoring.suggestions import suggest as suggested
    from stampshift.scoring.units import check_stamps, open_stamps

    model = ReleasedModel.open(release)
    check_stamps(stamps, release=model)
    table = suggested(model, open_stamps(stamps), count=count, strategy=strategy, seed=seed)
    path = output or stamps.with_name(f"{stamps.stem}-suggested.parquet")
    write_parquet(path, table)
    echo(
        f"{path}: {count} stamps to label. Label them with\n"
        f"stampshift review {path} --stamps {stamps} --raters-per-candidate 1"
    )


@app.command(short_help="Open a web page on which people label candidates.")
def review(
    candidates: Annotated[
        Path,
        typer.Argument(
            help="Results of the DES study, a table of candidates (Parquet), or a stamps file to label."
        ),
    ],
    stamps: Annotated[
        Path | None, typer.Option(help="Stamps file that a table of candidates refers to.")
    ] = None,
    votes: Annotated[
        Path | None,
        typer.Option(help="SQLite file for the votes; resources/reviews/<survey>.sqlite if not given."),
    ] = None,
    raters_per_candidate: Annotated[
        int, typer.Option(min=1, help="Raters that every candidate is shown to.")
    ] = 3,
    max_raters: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Raters, at the most, that a disputed candidate is shown to; two more than the other "
            "candidates if not given.",
        ),
    ] = None,
    margin: Annotated[
        int, typer.Option(min=1, help="Lead in votes at which a candidate is not disputed.")
    ] = 2,
    adjudicator: Annotated[
        str | None,
        typer.Option(help="Name of the rater who is shown what is still disputed after all others, alone."),
    ] = None,
    order: Annotated[
        Order | None,
        typer.Option(
            help="Which candidates come first: the most suspicious, those with a score closest to one half, "
            "random ones, or as in the file. The most suspicious if not given, or the file's without scores."
        ),
    ] = None,
    count: Annotated[
        int | None, typer.Option(min=1, help="Ask about so many candidates, the first ones of the order.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the order, and of the examples.")] = 0,
    scores: Annotated[
        Path | None,
        typer.Option(help="Table with id and score, such as that of `stampshift score`, to order by."),
    ] = None,
    gold: Annotated[
        Path | None,
        typer.Option(
            help="Table with id and label (real or bogus) of stamps whose answer is known; nobody is asked "
            "for their labels. If not given, but one of the next two is: labelled stamps that are no "
            "candidates."
        ),
    ] = None,
    gold_rate: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Stamps with known answers per candidate, mixed in unseen to measure each rater's accuracy; "
            "0.1 if --gold is given.",
        ),
    ] = None,
    examples: Annotated[
        int, typer.Option(min=0, help="Stamps with known answers that a new rater is shown, with them.")
    ] = 0,
    carry_over: Annotated[
        bool,
        typer.Option(
            "--carry-over",
            help="Let votes on another list of candidates of the survey pass to this one, by identifier.",
        ),
    ] = False,
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but loopback lets other machines in.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")
    ] = 8765,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="STAMPSHIFT_REVIEW_TOKEN",
            help="Token that opens the page; a random one if not given. Other users of the machine see the "
            "options of a command, but not its environment.",
        ),
    ] = None,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Whether to open the page in a browser.")
    ] = True,
) -> None:
    """Open a web page on which people label candidates as real or bogus."""
    from stampshift.review.asking import Asking
    from stampshift.review.drawing import Draw
    from stampshift.review.gold import Gold
    from stampshift.review.known_answers import THE_LABELS
    from stampshift.review.reviewed import open_review
    from stampshift.review.serve import serve
    from stampshift.review.vote_store import VoteStore

    asking = Asking.of(raters=raters_per_candidate, most=max_raters, margin=margin, adjudicator=adjudicator)
    rate = (0.1 if gold else 0.0) if gold_rate is None else gold_rate
    source = gold or (THE_LABELS if rate or examples else None)
    draw = Draw(order, count, seed)
    found = open_review(candidates, stamps=stamps, draw=draw, scores=scores, gold=source)
    known = Gold.of(found.known, examples=examples, rate=rate, seed=seed)
    path = votes or Path("resources/reviews") / f"{found.survey}.sqlite"
    try:
        with VoteStore.open(path, found, carry_over=carry_over) as store:
            serve(
                found,
                store,
                asking=asking,
                gold=known,
                host=host,
                port=port,
                token=token,
                open_browser=open_browser,
                say=echo,
            )
    except Stopped as end:
        if end.status != SIGNAL_STATUS + signal.SIGINT:  # Ctrl-C is how a review ends
            raise


@app.command(short_help="Write a review's votes and the labels that they decided.")
def review_export(
    votes: Annotated[Path, typer.Argument(help="SQLite file of the votes.")],
    margin: Annotated[
        int, typer.Option(min=1, help="Lead in votes that a label needs to count as decided.")
    ] = 2,
    min_votes: Annotated[
        int, typer.Option(min=1, help="Raters that must have voted on a candidate for a label to count.")
    ] = 3,
    adjudicator: Annotated[
        str | None,
        typer.Option(
            help="Name of the rater whose vote decides where the others' margin is too small, and counts "
            "nowhere else."
        ),
    ] = None,
    relabels: Annotated[
        Path | None, typer.Option(help="CSV file for the decided candidates; <votes>.csv if not given.")
    ] = None,
    votes_csv: Annotated[
        Path | None, typer.Option(help="CSV file for the votes; <votes>-votes.csv if not given.")
    ] = None,
    raters_csv: Annotated[
        Path | None,
        typer.Option(help="CSV file with each rater's speed and accuracy; <votes>-raters.csv if not given."),
    ] = None,
) -> None:
    """Write a review's votes and the labels that they decided; print counts and how far the raters agree."""
    from stampshift.review.export import export
    from stampshift.review.vote_store import VoteStore
    from stampshift.review.votes import Rule

    with VoteStore.read(votes) as store:
        text = export(
            store,
            rule=Rule(margin, min_votes, adjudicator),
            relabels=relabels or votes.with_suffix(".csv"),
            votes=votes_csv or votes.with_name(f"{votes.stem}-votes.csv"),
            raters=raters_csv or votes.with_name(f"{votes.stem}-raters.csv"),
        )
    echo(text)
