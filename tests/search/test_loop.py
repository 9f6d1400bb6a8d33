import math

import pytest

from einspec.search import Evaluation, Evolution, evolution, random_search, run_search
from tests.search.fake import Word, Words, score

SEARCHES = [random_search, evolution]


@pytest.mark.parametrize("search", SEARCHES)
def test_evaluates_the_budget_and_sorts_by_score(search):
    result = search(Words(), score, budget=50, seed=0)
    assert len({one.arch.key for one in result.evaluations}) == 50
    assert [one.score for one in result.evaluations] == sorted(
        (score(one.arch) for one in result.evaluations), reverse=True
    )
    assert result.best is result.evaluations[0]
    assert result.failures == ()
    assert result.stopped is None


def test_the_loop_is_ask_and_tell():
    strategy = Evolution(Words(), seed=1, population=5, tournament=2)
    asked = []
    for _ in range(40):
        candidate = strategy.ask()
        strategy.tell(candidate, score(candidate.arch))
        asked.append(candidate.arch)
    result = evolution(Words(), score, budget=40, seed=1, population=5, tournament=2)
    assert [one.arch for one in sorted(result.evaluations, key=lambda one: one.number)] == asked
    assert result.duplicates == strategy.duplicates


@pytest.mark.parametrize("search", SEARCHES)
def test_a_failing_evaluation_is_recorded_and_the_search_goes_on(search):
    def evaluate(word):
        match word.text[0]:
            case "a":
                raise RuntimeError("no gradient")
            case "b":
                raise MemoryError
            case "c":
                return math.nan
            case "d":
                return Evaluation(math.inf)
            case "e":
                return None
        return score(word)

    result = search(Words(), evaluate, budget=80, seed=0)
    errors = {one.arch.text[0]: one.error for one in result.failures}
    assert errors == {
        "a": "RuntimeError: no gradient",
        "b": "MemoryError",
        "c": "ValueError: the score is nan; expected a finite number",
        "d": "ValueError: the score is inf; expected a finite number",
        "e": "TypeError: float() argument must be a string or a real number, not 'NoneType'",
    }
    assert len(result.evaluations) == 80
    assert result.evaluations[-len(result.failures) :] == result.failures
    assert 'raise RuntimeError("no gradient")' in next(
        one.record.traceback for one in result.failures if one.arch.text[0] == "a"
    )


def test_where_all_fail_there_is_no_best():
    result = random_search(Words(), lambda word: math.nan, budget=5, seed=0)
    assert result.best is None
    assert len(result.failures) == 5


def test_metrics_are_kept_and_do_not_select():
    def evaluate(word):
        return Evaluation(score(word), {"test": -score(word)})

    result = random_search(Words(), evaluate, budget=20, seed=0)
    assert result.best.score == max(score(one.arch) for one in result.evaluations)
    assert result.best.metrics == {"test": -result.best.score}


def test_an_exhausted_space_ends_the_search():
    result = random_search(Words("ab", 2), score, budget=10, seed=0)
    assert len(result.evaluations) == 3
    assert result.stopped.startswith("search in words of ab: found 3 distinct architectures, and then only")


def test_an_interrupt_ends_the_search():
    def evaluate(word):
        evaluate.calls += 1
        if evaluate.calls == 4:
            raise KeyboardInterrupt
        return score(word)

    evaluate.calls = 0
    result = random_search(Words(), evaluate, budget=10, seed=0)
    assert len(result.evaluations) == 3
    assert result.stopped == "interrupted after 3 of 10 evaluations"


def test_seeds_are_evaluated_first():
    result = evolution(Words(), score, budget=5, seed=0, seeds=[Word("hhhh")])
    assert result.best.arch == Word("hhhh")
    assert result.best.number == 0


@pytest.mark.parametrize("budget", [0, -3])
def test_a_budget_is_positive(budget, tmp_path):
    with pytest.raises(ValueError, match=f"^budget is {budget}; expected at least 1$"):
        random_search(Words(), score, budget=budget, seed=0, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_progress_is_told_at_the_start_and_after_each_evaluation():
    def evaluate(word):
        if word.text < "c":
            raise ValueError
        return score(word)

    told = []
    result = run_search(Evolution(Words(), seed=0), evaluate, budget=30, progress=told.append)
    assert [one.done for one in told] == list(range(31))
    assert [one.failures for one in told][-1] == len(result.failures) > 0
    assert told[0].last is None
    assert told[0].best is None
    assert [one.last.number for one in told[1:]] == list(range(30))
    assert told[-1].best is result.best
    assert told[-1].duplicates == result.duplicates
