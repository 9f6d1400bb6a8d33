import io
from pathlib import Path
from types import SimpleNamespace

from einspec.search import Progress, ProgressBar, random_search
from tests.search.fake import Words, score

BEST = SimpleNamespace(score=0.96251)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def progress(done, budget=40, best=None):
    return Progress("evolution", done, budget, best, failures=2, duplicates=7, last=None)


def test_the_text():
    assert str(progress(0)) == "evolution 0/40 evaluations, best none, failures 2, duplicates avoided 7"
    assert str(progress(9, best=BEST)) == ("evolution 9/40 evaluations, best 0.9625, failures 2, duplicates avoided 7")


def test_the_bar_is_one_line_that_is_rewritten(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    stream = Terminal()
    with ProgressBar(stream) as bar:
        bar(progress(0))
        bar(progress(9, best=BEST))
        bar(progress(40, best=BEST))
        bar(progress(50, best=BEST))  # a finished run that is asked for less
    lines = stream.getvalue().split("\r")
    assert lines[1].startswith("[....................] evolution 0/40")
    assert lines[2].startswith("[####................] evolution 9/40 evaluations, best 0.9625")
    assert lines[3].startswith("[####################] evolution 40/40")
    assert lines[4].startswith("[####################] evolution 50/40")
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().endswith("\n")


def test_a_shorter_line_covers_the_longer_one(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    stream = Terminal()
    bar = ProgressBar(stream)
    bar(progress(10, best=BEST))
    bar(progress(9, best=None))
    first, second = stream.getvalue().split("\r")[1:]
    assert len(second) == len(first)


def test_the_bar_is_narrower_than_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    stream = Terminal()
    ProgressBar(stream)(progress(10))
    assert len(stream.getvalue()) == 1 + 29


def test_the_bar_is_quiet_where_there_is_no_terminal(capsys):
    stream = io.StringIO()
    with ProgressBar(stream) as bar, ProgressBar() as standard:
        random_search(Words(), score, budget=5, seed=0, progress=lambda p: (bar(p), standard(p)))
    assert stream.getvalue() == ""
    assert capsys.readouterr() == ("", "")


def test_no_clock_decides_anything():
    # timings may be measured and kept, but the only file that reads a clock is the one that keeps them
    folder = Path(__file__).parents[2] / "einspec" / "search"
    reading = [path.name for path in sorted(folder.glob("*.py")) if "import time" in path.read_text()]
    assert reading == ["evaluation.py"]
