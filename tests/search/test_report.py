import sys
from types import SimpleNamespace

import pytest

from einspec.errors import EinspecError, StoreError
from einspec.search import draw_progress, evolution, random_search, read_run
from einspec.search.report import best_so_far
from tests.search.fake import Words, score


def evaluate(word):
    if word.text < "b":
        raise ValueError("low")
    return score(word)


@pytest.fixture(scope="module")
def runs():
    return {
        "evolution": evolution(Words(), evaluate, budget=40, seed=0).evaluations,
        "random search": random_search(Words(), evaluate, budget=40, seed=0).evaluations,
    }


def test_the_best_so_far_of_evaluations_in_any_order():
    scores = [None, 0.5, 0.25, None, 0.75]
    evaluations = [SimpleNamespace(number=number, score=score) for number, score in enumerate(scores)]
    assert best_so_far(reversed(evaluations)) == [(2, 0.5), (3, 0.5), (5, 0.75)]
    assert best_so_far([]) == []


@pytest.mark.parametrize(("suffix", "head"), [(".svg", b"<?xml"), (".png", b"\x89PNG")])
def test_the_picture_is_written_and_repeats(tmp_path, runs, suffix, head):
    path = draw_progress(tmp_path / f"progress{suffix}", runs, score="validation accuracy")
    content = path.read_bytes()
    assert content.startswith(head)
    assert draw_progress(path, runs, score="validation accuracy").read_bytes() == content
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_the_picture_says_what_it_shows(tmp_path, runs):
    text = draw_progress(tmp_path / "progress.svg", runs, score="validation accuracy").read_text()
    best = max(one.score for one in runs["evolution"] if one.score is not None)
    for words in (
        "validation accuracy",
        "evaluations",
        f"evolution: best {best:.4f}",
        "random search: best ",
    ):
        assert words in text


def test_the_records_of_a_run_can_be_drawn(tmp_path):
    random_search(Words(), evaluate, budget=5, seed=0, out=tmp_path)
    draw_progress(tmp_path / "progress.svg", {"random search": read_run(tmp_path).records})
    assert random_search(Words(), evaluate, budget=6, seed=0, out=tmp_path).best  # still a run folder


def test_a_run_without_a_score(tmp_path):
    failed = random_search(Words(), lambda word: 1 / 0, budget=3, seed=0).evaluations
    assert "nothing: none" in draw_progress(tmp_path / "p.svg", {"nothing": failed}).read_text()


def test_another_format_is_refused(tmp_path, runs):
    with pytest.raises(ValueError, match=r"p\.pdf: a picture of format '\.pdf'; expected \.svg or \.png$"):
        draw_progress(tmp_path / "p.pdf", runs)


def test_a_place_that_cannot_be_written_to(tmp_path, runs):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as caught:
        draw_progress(tmp_path / "file" / "p.svg", runs)
    assert str(caught.value) == (
        f"{tmp_path}/file/p.svg: cannot be written: File exists. Check the disk and the permissions of the folder"
    )


def test_without_matplotlib(tmp_path, runs, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(EinspecError) as caught:
        draw_progress(tmp_path / "p.svg", runs)
    assert str(caught.value) == 'pictures need matplotlib; install it with: pip install "einspec[demo]"'
