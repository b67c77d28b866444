"""Commands outside the workflow: a module per kind of work, a function per command."""

import os
import sys
from typing import Annotated

import typer

from stampshift.cli import (
    adapting_commands,
    data_commands,
    experiment_commands,
    model_commands,
    review_commands,
    streaming_commands,
)
from stampshift.core.errors import StampshiftError
from stampshift.core.extras import missing_extra
from stampshift.core.joblog import COMMAND_SIGNALS, Stopped, raising
from stampshift.core.printing import echo, log_to_terminal, printable
from stampshift.core.version import __version__

app = typer.Typer(
    rich_markup_mode=None,  # in a help text of its own, brackets would be marks and vanish
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
# in the order of the help
IN_ORDER = (data_commands, experiment_commands, review_commands, adapting_commands, model_commands)
for commands in (*IN_ORDER, streaming_commands):
    app.registered_commands += commands.app.registered_commands


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Real/bogus classification of alert stamps across surveys."""
    if version:
        typer.echo(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


def main() -> None:
    """Run the command line; an error that the user can fix ends it with a message and exit status 1.

    A command line that is wrong ends it with status 2. Ctrl-C, SIGTERM and SIGHUP end it as soon as what is
    open is closed, with a shell's exit status for them.
    """
    log_to_terminal()
    try:
        with raising(*COMMAND_SIGNALS):
            sys.exit(app(prog_name="stampshift", standalone_mode=False) or 0)
    except StampshiftError as error:
        sys.exit(printable(f"{type(error).__name__}: {error}", keep="\n\t"))
    except ModuleNotFoundError as error:
        sentence = missing_extra(error)
        if sentence is None:
            raise
        sys.exit(f"error: {sentence}")
    except typer.TyperException as error:
        echo(_usage(error), err=True)
        sys.exit(getattr(error, "exit_code", 2))
    except BrokenPipeError:  # whoever read the output has enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Stopped as end:
        echo(str(end.code), err=True)
        sys.exit(end.status)


def _usage(error: typer.TyperException) -> str:
    """What is wrong with a command line, as typer's own message, which would print arguments as they are."""
    context, message = getattr(error, "ctx", None), getattr(error, "format_message", error.__str__)()
    if context is None:
        return f"error: {message}"
    return f"{context.get_usage()}\nTry '{context.command_path} --help' for help.\nerror: {message}"
