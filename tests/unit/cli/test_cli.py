import inspect
import os
import signal
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest
import typer

import stampshift
from review_server import write_new_survey
from stampshift import cli
from stampshift.cli.review_commands import review, review_export
from stampshift.review.reviewed import open_review
from stampshift.review.vote_store import VoteStore

COMMANDS = typer.main.get_command(cli.app).commands


def call(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["stampshift", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code


def test_inspect_prints_counts_of_a_stamps_file(monkeypatch, capsys, survey_files):
    assert call(monkeypatch, "inspect", survey_files["stamps"]["A"]) == 0
    printed = capsys.readouterr().out
    assert "400" in printed
    assert "ghost" in printed


def test_a_missing_file_is_one_sentence_and_status_one(monkeypatch, tmp_path):
    message = call(monkeypatch, "inspect", tmp_path / "nothing.h5")
    assert message.startswith("ArchiveError: ")
    assert "nothing.h5: no such file or folder" in message


def test_simulate_names_the_surveys_that_it_knows(monkeypatch, tmp_path):
    """In an empty folder too: the constants are part of the package."""
    monkeypatch.chdir(tmp_path)
    message = call(monkeypatch, "simulate", "ztf", "archive", "--stamps", 10, "--seed", 1)
    assert message == (
        "ConfigError: simulate: survey 'ztf' cannot be simulated; expected one of HiTS, DES, ATLAS, ZTF, "
        "DECAT, Rubin."
    )
    command = ("simulate", "ZTF", "archive", "--stamps", 10, "--seed", 1)
    assert "own.yaml: no such file" in call(monkeypatch, *command, "--constants", "own.yaml")


def test_simulate_does_not_mix_two_archives(monkeypatch, tmp_path):
    """Fewer stamps have fewer files: the others would stay."""
    (tmp_path / "nights").mkdir()
    assert call(monkeypatch, "simulate", "Rubin", tmp_path / "nights", "--stamps", 30, "--seed", 1) == 0
    names = sorted(path.name for path in (tmp_path / "nights").iterdir())
    message = call(monkeypatch, "simulate", "Rubin", tmp_path / "nights", "--stamps", 20, "--seed", 1)
    assert "nights: already exists; give another folder, or delete it first." in message
    assert sorted(path.name for path in (tmp_path / "nights").iterdir()) == names
    assert [path.name for path in tmp_path.iterdir()] == ["nights"]


def test_adapt_refuses_an_existing_folder_before_it_reads_anything(monkeypatch, tmp_path):
    (tmp_path / "adapted").mkdir()
    (tmp_path / "adapted" / "model.pt").touch()
    command = ("adapt", tmp_path / "no-run", tmp_path / "none.h5", "--output", tmp_path / "adapted")
    message = call(monkeypatch, *command)
    assert message.endswith("adapted: already exists; give another --output, or --overwrite.")
    assert "expected the folder of a trained run" in call(monkeypatch, *command, "--overwrite")


def test_verify_ends_with_a_status_for_scripts(monkeypatch, capsys, survey_files, tmp_path):
    good, bad = tmp_path / "good.h5", tmp_path / "bad.h5"
    for path in (good, bad):
        path.write_bytes(survey_files["stamps"]["A"].read_bytes())
    with bad.open("r+b") as file:
        file.seek(bad.stat().st_size - 5)
        file.write(b"x")
    (tmp_path / "notes.txt").write_text("notes")
    assert call(monkeypatch, "verify", good) == 0
    assert capsys.readouterr().out.startswith(f"as written: {good}: ")
    assert call(monkeypatch, "verify", good, tmp_path / "notes.txt") == 2
    assert f"cannot be verified: {tmp_path}/notes.txt: no digest of it is known" in capsys.readouterr().out
    assert call(monkeypatch, "verify", tmp_path) == 1
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_version(monkeypatch, capsys):
    assert call(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.strip() == stampshift.__version__


def test_review_export_writes_beside_the_votes(monkeypatch, capsys, survey_files, tmp_path):
    review = open_review(survey_files["stamps"]["A"], stamps=None)
    first, second = list(review.candidates.values())[:2]
    path = tmp_path / "A.sqlite"
    with VoteStore.open(path, review) as store:
        for number, name in enumerate([first.id, second.id, first.id]):
            store.add(key=f"{number:016}", id=name, rater=f"rater{number}", vote="real")
    assert call(monkeypatch, "review-export", path, "--min-votes", 2) == 0
    assert (tmp_path / "A.csv").read_text() == f"id,old_label,label\n{first.id},{first.label},real\n"
    assert len((tmp_path / "A-votes.csv").read_text().splitlines()) == 4
    assert "decided by a margin of 2 among 2 votes or more: 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "rate", "examples", "asked"),
    [
        ((), 0, 0, 4),
        (("--gold", "gold.csv"), 0.1, 0, 1),
        (("--gold", "gold.csv", "--examples", 2, "--gold-rate", 0.5, "--count", 1), 0.5, 2, 1),
        (("--examples", 2), 0, 2, 2),
    ],
)
def test_review_with_known_answers(monkeypatch, tmp_path, options, rate, examples, asked):
    monkeypatch.chdir(tmp_path)
    stamps = write_new_survey(tmp_path, [255, 1, 255, 0])
    Path("gold.csv").write_text("id,label\nn0,real\nn1,real\nn3,bogus\n")
    served = Mock()
    monkeypatch.setattr("stampshift.review.serve.serve", served)
    assert call(monkeypatch, "review", stamps, "--no-open", *options) == 0
    (review, _), told = served.call_args
    assert (told["gold"].rate, len(told["gold"].examples)) == (rate, examples)
    assert len(review.candidates) == asked


def test_votes_on_another_list_are_carried_over_on_request(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("stampshift.review.serve.serve", Mock())
    for labels in ([255], [255, 255]):
        stamps = write_new_survey(tmp_path, labels)
        code = call(monkeypatch, "review", stamps)
    assert "with --carry-over" in code
    assert call(monkeypatch, "review", stamps, "--carry-over") == 0


def test_votes_are_asked_for_and_counted_as_in_the_paper_unless_told_otherwise():
    """Three people, and a lead of two votes (Ayyar et al. 2022)."""
    asked, counted = (inspect.signature(command).parameters for command in (review, review_export))
    assert (asked["raters_per_candidate"].default, asked["margin"].default) == (3, 2)
    assert (counted["min_votes"].default, counted["margin"].default) == (3, 2)
    assert asked["adjudicator"].default is counted["adjudicator"].default is None


def test_review_of_nothing_is_one_sentence(monkeypatch, tmp_path):
    assert "snakemake des_study" in call(monkeypatch, "review", tmp_path)
    assert "no such file of votes" in call(monkeypatch, "review-export", tmp_path / "none.sqlite")


def test_export_threshold_and_drift_of_nothing_are_one_sentence(monkeypatch, tmp_path):
    assert "expected the folder of a trained run" in call(
        monkeypatch, "export", tmp_path, "--output", tmp_path / "released"
    )
    assert "`stampshift export` makes one" in call(monkeypatch, "threshold", tmp_path, "--max-mdr", 0.01)
    assert "`stampshift export` makes one" in call(monkeypatch, "drift", tmp_path, tmp_path / "none.parquet")


def test_summary_of_a_folder_without_results_is_one_sentence(monkeypatch, tmp_path):
    message = call(monkeypatch, "summary", tmp_path)
    assert message.startswith(f"ContractError: {tmp_path}: expected the results of an experiment")


WRITING = """
import signal
import sys
from pathlib import Path
from unittest.mock import Mock
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # which `nohup` before the tests would leave ignored
from stampshift import cli
from stampshift.core.files import atomic_path
from stampshift.core.folders import atomic_folder
from stampshift.surveys import inspection


def written(file):
    with atomic_path(file.with_name("table.csv")) as table, atomic_folder(file.with_name("model")) as folder:
        table.write_text("half")
        (folder / "card.md").write_text("half")
        print("begun", flush=True)
        sys.stdin.read()


inspection.describe = written
sys.argv = ["stampshift", "inspect", sys.argv[1]]
cli.main()
"""


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_a_command_that_is_asked_to_end_removes_what_it_has_begun_and_says_so(tmp_path, number, status):
    with subprocess.Popen(
        [sys.executable, "-c", WRITING, tmp_path / "in"], stdin=-1, stdout=-1, stderr=-1, text=True
    ) as command:
        assert command.stdout.readline() == "begun\n"
        assert len(list(tmp_path.iterdir())) == 2
        command.send_signal(number)
        _, errors = command.communicate()
    name = signal.Signals(number).name
    sentence = (
        f"stopped by {name}; no partial file remains. Run the same command again to repeat this step.\n"
    )
    assert (command.returncode, errors) == (status, sentence)
    assert list(tmp_path.iterdir()) == []


def test_names_with_escapes_of_a_terminal_or_undecodable_bytes_are_printed_escaped(tmp_path):
    name = os.fsencode(tmp_path) + b"/\x1b[31mcaf\xe9.h5"
    done = subprocess.run(
        [sys.executable, "-c", "from stampshift.cli import main; main()", "inspect", name],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith(f"ArchiveError: {tmp_path}/\\x1b[31mcaf\\xe9.h5: no such file or folder")


@pytest.mark.parametrize(
    "arguments",
    [
        ["score", "--\x1b[31mwrong"],
        ["\x1b[31m"],
        ["stamps", "--processes", "\x1b[31m"],
        ["inspect", "a", "\x1b[31mb"],
        ["adapt", "a", "b", "--output", "c", "--method", "\x1b[31m"],
        ["inspect"],
    ],
)
def test_a_wrong_command_line_is_told_without_the_escapes_in_it(monkeypatch, capfd, arguments):
    assert call(monkeypatch, *arguments) == 2
    out, err = capfd.readouterr()
    assert "\x1b" not in out + err
    assert err.startswith("Usage: stampshift")
    assert "Try 'stampshift" in err and "\nerror: " in err


def test_no_command_prints_the_help(monkeypatch, capfd):
    assert call(monkeypatch) == 2
    printed = capfd.readouterr().out
    assert printed.startswith("Usage: stampshift [OPTIONS] COMMAND [ARGS]...")
    assert "..." not in printed.partition("Commands:")[2]  # what a command does is not cut short


@pytest.mark.parametrize("name", list(COMMANDS))
def test_the_help_of_a_command_has_every_word_of_its_texts(monkeypatch, capfd, name):
    """Words in brackets too, which a terminal's markup would take for its own."""
    assert call(monkeypatch, name, "-h") == 0
    printed = " ".join(capfd.readouterr().out.replace("-\n", "-").split())
    for parameter in COMMANDS[name].params:
        told = " ".join((parameter.help or "").split())
        assert told.replace("- ", "-") in printed.replace("- ", "-"), parameter.name
    assert f"Usage: stampshift {name} " in printed


def test_the_help_shows_brackets(monkeypatch, capfd):
    """As in a path like <id>[.gz]."""
    app = typer.Typer(rich_markup_mode=cli.app.rich_markup_mode)

    @app.command()
    def read(path: str = typer.Option("", help="FITS files, <id>.fits[.gz], or [a] list.")):
        pass

    app(["--help"], standalone_mode=False)
    assert "FITS files, <id>.fits[.gz], or [a] list." in " ".join(capfd.readouterr().out.split())


def test_the_shell_completes_commands(tmp_path):
    words = {"COMP_WORDS": "stampshift dri", "COMP_CWORD": "1", "_STAMPSHIFT_COMPLETE": "complete_bash"}
    command = [sys.executable, "-c", "from stampshift.cli import main; main()"]
    done = subprocess.run(command, env=os.environ | words, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["drift"]


def test_as_many_processes_as_cores_where_the_system_knows_no_affinity(monkeypatch, tmp_path):
    """As on macOS."""
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr("joblib.cpu_count", lambda: 7)
    scored, adapted, setting = Mock(), Mock(), Mock()
    scored.return_value.as_text.return_value = adapted.return_value.report.return_value = ""
    setting.return_value.few_labels.how_judged.return_value = ""
    monkeypatch.setattr("stampshift.scoring.score.score", scored)
    scored.return_value.verdict.return_value = (0, "")
    assert call(monkeypatch, "score", tmp_path, tmp_path, "--output", tmp_path / "s.csv") == 0
    monkeypatch.setattr("stampshift.adapting.adapt.adapt_model", adapted)
    monkeypatch.setattr("stampshift.adapting.setting.Setting.of_model", setting)
    assert call(monkeypatch, "adapt", tmp_path, tmp_path, "--output", tmp_path / "new") == 0
    assert scored.call_args.kwargs["processes"] == adapted.call_args.kwargs["processes"] == 7


def test_a_reader_that_has_enough_ends_a_command_quietly():
    command = f"{sys.executable} -c 'from stampshift.cli import main; main()' score --help | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_warnings_are_sentences(tmp_path):
    code = (
        "import logging, sys\n"
        "from stampshift.surveys import inspection\n"
        "inspection.describe = lambda path: logging.warning('\\x1b[31mtwo of %s', path) or 'all'\n"
        "from stampshift.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "inspect", "file"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "all\n", "warning: \\x1b[31mtwo of file\n")
