import hashlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from einspec.errors import StoreError
from einspec.search import Evaluation, evolution, random_search, read_run
from einspec.search.store import open_store
from einspec.space import Limits
from tests.search.fake import Word, Words, score

ROOT = Path(__file__).parents[2]


def search(out, *, space=None, evaluate=score, budget=20, seed=5, population=8, seeds=(), where=None):
    return evolution(
        space or Words(),
        evaluate,
        budget=budget,
        seed=seed,
        population=population,
        tournament=3,
        seeds=seeds,
        where=where,
        out=out,
    )


def never(word):
    raise AssertionError("evaluated once more")


never.__qualname__ = score.__qualname__


def plain(result):
    """A result without its timings."""
    return [(one.number, one.arch, one.parent, one.score, one.error) for one in result.evaluations]


def rows(out):
    """The evaluations of a run without their timings."""
    return [(r.number, r.key, r.text, r.parent, r.score, r.error) for r in read_run(out).records]


def snapshot(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def edited(folder, *statements):
    connection = sqlite3.connect(folder / "run.sqlite")
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


@pytest.fixture
def run(tmp_path):
    out = tmp_path / "run"
    search(out)
    return out


def refused(out, **settings):
    """The message of the StoreError; nothing in the folder may have changed but the lock."""
    before = snapshot(out) if out.is_dir() else out.read_bytes()
    with pytest.raises(StoreError) as caught:
        search(out, evaluate=settings.pop("evaluate", never), **settings)
    after = snapshot(out) if out.is_dir() else out.read_bytes()
    if isinstance(after, dict):
        after.pop(out / "run.lock", None)
        before.pop(out / "run.lock", None)
    assert after == before
    return str(caught.value)


def test_what_is_kept(tmp_path):
    def evaluate(word):
        if word.text[0] == "a":
            raise ValueError("too \ud800 odd")  # a text that UTF-8 has no bytes for
        return Evaluation(0.1 * score(word), {"test": 0.5})

    result = random_search(Words(), evaluate, budget=30, seed=0, out=tmp_path)
    records = read_run(tmp_path).records
    assert [one.record for one in sorted(result.evaluations, key=lambda one: one.number)] == list(records)
    good = next(record for record in records if record.status == "ok")
    assert good.json == f'"{good.text}"'
    assert (good.params, good.macs, good.metrics) == (4, 40, {"test": 0.5})
    assert (good.error, good.traceback) == (None, None)
    bad = next(record for record in records if record.status == "failed")
    assert bad.score is None
    assert bad.error == "ValueError: too ? odd"
    assert "ValueError" in bad.traceback


def test_the_manifest(run):
    manifest = read_run(run).manifest
    text = Words().grammar.text
    versions = manifest.pop("versions")
    assert versions["python"] == ".".join(map(str, sys.version_info[:3]))
    assert manifest == {
        "space": {
            "grammar": text,
            "grammar sha256": hashlib.sha256(text.encode()).hexdigest(),
            "ops": ["letter", "word"],
            "input": "(3, 8, 8)",
            "limits": {
                "max_nodes": 2000,
                "max_depth": 200,
                "attempts": 10_000,
                "max_params": None,
                "max_macs": None,
            },
        },
        "strategy": {"name": "evolution", "population": 8, "tournament": 3, "redraws": 1000},
        "seed": 5,
        "seeds": [],
        "task": "score",
        "where": None,
        "budget": 20,
    }


def test_a_finished_run_reports(run):
    before = rows(run)
    assert plain(search(run, evaluate=never)) == plain(search(None))
    assert plain(search(run, evaluate=never, budget=7)) == plain(search(None))
    assert rows(run) == before


def test_a_larger_budget_goes_on(run):
    assert plain(search(run, budget=45)) == plain(search(None, budget=45))
    assert len(rows(run)) == read_run(run).manifest["budget"] == 45


def test_failures_are_replayed(tmp_path):
    def evaluate(word):
        if word.text < "d":
            raise ValueError("low")
        return score(word)

    search(tmp_path, evaluate=evaluate)
    assert plain(search(tmp_path, evaluate=evaluate, budget=40)) == plain(search(None, evaluate=evaluate, budget=40))


def test_an_interrupt_keeps_what_is_finished(tmp_path):
    def interrupted(word):
        interrupted.calls += 1
        if interrupted.calls == 13:
            raise KeyboardInterrupt
        return score(word)

    interrupted.calls = 0
    interrupted.__qualname__ = score.__qualname__
    assert len(search(tmp_path, evaluate=interrupted).evaluations) == len(rows(tmp_path)) == 12
    assert plain(search(tmp_path)) == plain(search(None))


@pytest.mark.skipif(not hasattr(os, "kill") or sys.platform == "win32", reason="SIGKILL is POSIX")
@pytest.mark.parametrize("number", [1, 2, 17])
def test_a_killed_run_goes_on_as_if_nothing_had_been(tmp_path, number):
    out = tmp_path / "run"
    command = [sys.executable, "-m", "tests.search.killed", str(out)]
    killed = subprocess.run([*command, str(number)], cwd=ROOT, check=False)
    assert killed.returncode == -9
    assert len(rows(out)) == number - 1  # all but the one in flight
    subprocess.run([*command, "0"], cwd=ROOT, check=True)
    assert rows(out) == [
        (one.number, one.arch.key, str(one.arch), one.parent, one.score, one.error)
        for one in sorted(search(None, budget=40).evaluations, key=lambda one: one.number)
    ]
    connection = sqlite3.connect(out / "run.sqlite")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


@pytest.mark.parametrize("left", [["run.lock"], ["run.lock", "run.sqlite.new", "run.sqlite.new-journal"]])
def test_a_run_killed_while_it_is_made_starts_anew(tmp_path, left):
    for name in left:
        (tmp_path / name).write_bytes(b"")
    assert plain(search(tmp_path)) == plain(search(None))


def test_a_transaction_cut_short_is_rolled_back(run, tmp_path):
    # what a kill in the middle of a commit leaves: the file half written, beside its journal
    whole = (run / "run.sqlite").read_bytes()
    writer = sqlite3.connect(run / "run.sqlite", isolation_level=None)
    writer.execute("PRAGMA cache_size = 1")
    writer.execute("BEGIN")
    writer.execute("UPDATE evaluations SET text = hex(zeroblob(20000))")
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    assert (copy / "run.sqlite-journal").stat().st_size > 0
    assert (copy / "run.sqlite").read_bytes() != whole
    writer.execute("ROLLBACK")
    writer.close()
    assert rows(copy) == rows(run)
    assert plain(search(copy, budget=30)) == plain(search(None, budget=30))


def test_only_one_process_at_a_time(run):
    with open_store(run, read_run(run).manifest):
        message = refused(run)
        assert len(rows(run)) == 20  # reading needs no lock
    assert message == (
        f"{run}: the folder cannot be locked (database is locked); expected no other search to write to it. "
        f"Wait until the other one ends, or choose another folder"
    )
    search(run, evaluate=never)


@pytest.mark.parametrize(
    ("settings", "difference"),
    [
        ({"seed": 6}, "seed: the run has 5, this search has 6"),
        ({"population": 9}, "strategy.population: the run has 8, this search has 9"),
        ({"seeds": [Word("aaaa")]}, 'seeds: the run has [], this search has ["aaaa"]'),
        (
            {"space": Words(limits=Limits(max_params=5))},
            "space.limits.max_params: the run has null, this search has 5",
        ),
        ({"where": all}, 'where: the run has null, this search has "all"'),
        ({"evaluate": len}, 'task: the run has "score", this search has "len"'),
    ],
)
def test_another_search_is_refused(run, settings, difference):
    assert refused(run, **settings) == (
        f"{run}/run.sqlite: a run of another search:\n"
        f"  {difference}\n"
        f"To go on with the run give it the same settings (only the budget may differ); for a new run choose "
        f"another folder. Nothing was changed"
    )


def test_another_strategy_and_grammar_are_refused(run):
    with pytest.raises(StoreError) as caught:
        random_search(Words("abc"), score, budget=5, seed=5, out=run)
    differing = [line.split(":")[0].strip() for line in str(caught.value).splitlines()[1:-1]]
    assert differing == [
        "space.grammar sha256",
        "strategy.name",
        "strategy.population",
        "strategy.tournament",
    ]
    assert "strategy.tournament: the run has 3, this search has nothing" in str(caught.value)


def test_records_that_the_strategy_would_not_ask_for_are_refused(run):
    edited(run, "UPDATE evaluations SET key = '1:zzzz' WHERE number = 11")
    asked = next(record for record in rows(run) if record[0] == 11)
    message = refused(run)
    assert message.startswith(
        f"{run}/run.sqlite: evaluation 11 cannot be replayed: the run has 1:zzzz of parent {asked[3]}, the "
        f"strategy now asks for 1:"
    )
    assert message.endswith(": go on with these, or choose another folder for a new run; nothing was changed")


DAMAGED = "Restore it from a copy, or choose another folder for a new run; nothing was changed"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", f"the run file is damaged: it ends after 0 bytes. {DAMAGED}"),
        (b"SQLite format 3\0" + b"\1" * 20, f"the run file is damaged: it ends after 36 bytes. {DAMAGED}"),
        (
            b"number,score\n1,0.5\n",
            "a file that starts with b'number,score\\n1,0', not an SQLite database; expected a run file of "
            "einspec. Choose another folder; nothing was changed",
        ),
    ],
)
def test_a_file_that_is_no_database_is_refused(tmp_path, content, what):
    (tmp_path / "run.sqlite").write_bytes(content)
    assert refused(tmp_path) == f"{tmp_path}/run.sqlite: {what}"
    with pytest.raises(StoreError):
        read_run(tmp_path)


def test_the_database_of_another_application_is_refused(tmp_path):
    edited(tmp_path, "CREATE TABLE manifest (name, value)")
    assert refused(tmp_path) == (
        f"{tmp_path}/run.sqlite: an SQLite database of another application; expected a run file of einspec. "
        f"Choose another folder; nothing was changed"
    )


@pytest.mark.parametrize("keep", [101, 4096, 5000, 20000])
def test_a_truncated_file_is_refused(run, keep):
    content = (run / "run.sqlite").read_bytes()
    assert len(content) > keep
    (run / "run.sqlite").write_bytes(content[:keep])
    message = refused(run)
    assert message.startswith(f"{run}/run.sqlite: the run file is damaged: ")
    assert message.endswith(DAMAGED)


def test_pages_of_noise_are_refused(run):
    content = bytearray((run / "run.sqlite").read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    (run / "run.sqlite").write_bytes(content)
    assert refused(run).startswith(f"{run}/run.sqlite: the run file is damaged: ")


def test_a_file_with_wrong_bytes_is_read_or_refused(run):
    whole = (run / "run.sqlite").read_bytes()
    rng = random.Random(0)
    outcomes = set()
    for _ in range(200):
        content = bytearray(whole)
        for _ in range(8):
            content[int(rng.random() * len(content))] = int(rng.random() * 256)
        (run / "run.sqlite").write_bytes(content)
        try:
            read_run(run)
            outcomes.add("read")
        except StoreError:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


@pytest.mark.parametrize("found", [2, 0])
def test_another_format_is_refused(run, found):
    edited(run, f"PRAGMA user_version = {found}")
    assert refused(run) == (
        f"{run}/run.sqlite: a run file of format {found}; this einspec reads format 1. Open it with the "
        f"einspec that wrote it, or choose another folder for a new run; nothing was changed"
    )


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        (
            "DROP TABLE manifest",
            "table manifest has the columns (no such table); expected name, value",
        ),
        (
            "ALTER TABLE manifest RENAME COLUMN value TO other",
            "table manifest has the columns name, other; expected name, value",
        ),
        ("DELETE FROM evaluations WHERE number = 3", "evaluation 3 is missing"),
        (
            "UPDATE evaluations SET score = 'high' WHERE number = 3",
            "evaluation 3: score is 'high'; expected float or NULL",
        ),
        (
            "UPDATE evaluations SET json = x'00' WHERE number = 3",
            "evaluation 3: json is b'\\x00'; expected str",
        ),
        (
            "UPDATE evaluations SET metrics = '[1]' WHERE number = 3",
            "evaluation 3: metrics is '[1]'; expected a JSON object of numbers",
        ),
        (
            "UPDATE evaluations SET status = 'fine', score = 1.5 WHERE number = 3",
            "evaluation 3: status is 'fine', score 1.5, error None; expected ok with a score, or failed with an error",
        ),
        (
            "UPDATE evaluations SET score = NULL WHERE number = 3",
            "evaluation 3: status is 'ok', score None, error None; expected ok with a score, or failed with an error",
        ),
        (
            "UPDATE evaluations SET score = 9e999 WHERE number = 3",
            "evaluation 3: score is inf; expected a finite number",
        ),
        ("UPDATE manifest SET value = 'no json'", "its manifest is not JSON"),
    ],
)
def test_contents_that_no_search_wrote_are_refused(run, statement, what):
    edited(run, statement)
    assert refused(run) == f"{run}/run.sqlite: the run file is damaged: {what}. {DAMAGED}"


def test_an_incomplete_manifest_is_refused(run):
    edited(run, "DELETE FROM manifest WHERE name = 'seed'")
    assert "  seed: the run has nothing, this search has 5\n" in refused(run)


def test_a_folder_of_other_things_is_refused(tmp_path):
    for name in ("thesis.tex", "a.txt", "b.txt", "c.txt"):
        (tmp_path / name).write_text("dear")
    assert refused(tmp_path) == (
        f"{tmp_path}: the folder holds a.txt, b.txt, c.txt and 1 more and no run.sqlite; expected an empty "
        f"or new folder, or that of a run. Choose another folder; nothing was changed"
    )
    assert not (tmp_path / "run.lock").exists()


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    path = tmp_path / "run"
    path.write_text("dear")
    assert refused(path) == f"{path}: a file; expected a folder to write the run to. Choose another name"


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as caught:
        search(tmp_path / "file" / "run")
    assert str(caught.value) == (f"{tmp_path}/file/run: cannot be made: Not a directory. Choose another folder")


def test_a_folder_in_place_of_the_file_is_refused(tmp_path):
    (tmp_path / "run.sqlite").mkdir()
    assert refused(tmp_path) == (
        f"{tmp_path}/run.sqlite: cannot be read or written: Is a directory. Check the disk and the "
        f"permissions of the folder"
    )


def test_reading_needs_a_run(tmp_path):
    with pytest.raises(StoreError) as caught:
        read_run(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}/run.sqlite: no such file; expected the run file of a search. Give the folder that a "
        f"search wrote to"
    )


def test_a_written_run_needs_a_seed_that_can_be_written(tmp_path):
    with pytest.raises(TypeError, match="expected an int: a run that is written down needs one"):
        search(tmp_path / "run", seed=random.Random(0))
    assert not (tmp_path / "run").exists()


def test_counts_beyond_sqlites_integers_are_kept(tmp_path):
    class Huge(Word):
        params = 10**30

    search(tmp_path, seeds=[Huge("aaaa")], budget=1)
    assert read_run(tmp_path).records[0].params == 1e30
