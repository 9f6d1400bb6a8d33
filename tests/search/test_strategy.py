import random

import pytest

from einspec.errors import SamplingError
from einspec.search import Evolution, Exhausted, RandomSearch
from tests.search.fake import Word, Words, score

STRATEGIES = [RandomSearch, Evolution]


def play(strategy, n):
    """Ask and tell n times; the texts and parents in order."""
    asked = []
    for _ in range(n):
        candidate = strategy.ask()
        strategy.tell(candidate, score(candidate.arch))
        asked.append((candidate.number, str(candidate.arch), candidate.parent))
    return asked


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_same_seed_and_scores_ask_for_the_same(strategy):
    first = play(strategy(Words(), seed=3), 100)
    assert play(strategy(Words(), seed=3), 100) == first
    assert play(strategy(Words(), seed=random.Random(3)), 100) == first
    assert play(strategy(Words(), seed=4), 100) != first


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_randomness_is_read_through_random_only(strategy):
    class OnlyRandom(random.Random):
        def getrandbits(self, k):
            raise AssertionError("read through something else than random()")

    # a subclass without a random() of its own would draw everything from getrandbits
    source = OnlyRandom(3)
    source.random = random.Random(3).random
    assert play(strategy(Words(), seed=source), 60) == play(strategy(Words(), seed=3), 60)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_key_is_asked_for_twice_and_the_duplicates_are_counted(strategy):
    space = Words("abcd", 3)  # 64 words, 20 keys
    search = strategy(space, seed=0)
    keys = [search.ask().arch.key for _ in range(20)]
    assert len(set(keys)) == 20
    assert search.duplicates == len(space.calls) - 20 > 0


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_exhausted_space_says_how_many_there_were(strategy):
    search = strategy(Words("ab", 2), seed=0, redraws=50)
    play(search, 3)
    with pytest.raises(Exhausted) as caught:
        search.ask()
    assert isinstance(caught.value, SamplingError)
    assert str(caught.value) == (
        "search in words of ab: found 3 distinct architectures, and then only duplicates of them in 50 "
        "draws; expected another one. The space is exhausted, or almost: lower the budget to 3, widen the "
        "limits of the space, or raise redraws"
    )


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_seeds_come_first_without_their_duplicates(strategy):
    seeds = [Word("aabb"), Word("bbaa"), Word("hhhh")]
    search = strategy(Words(), seed=0, seeds=seeds)
    asked = [search.ask() for _ in range(3)]
    assert [str(one.arch) for one in asked[:2]] == ["aabb", "hhhh"]
    assert [one.parent for one in asked] == [None] * 3
    assert search.duplicates >= 1


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_several_may_be_asked_for_and_told_in_any_order(strategy):
    search = strategy(Words(), seed=0)
    keys = set()
    for _ in range(30):
        asked = [search.ask() for _ in range(4)]
        keys |= {one.arch.key for one in asked}
        for one in reversed(asked):
            search.tell(one, score(one.arch))
    assert len(keys) == search.asked == 120


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_where_holds_for_all_but_the_seeds(strategy):
    search = strategy(Words(), seed=0, seeds=[Word("aaaa")], where=lambda word: "a" not in word.text)
    assert [text for _, text, _ in play(search, 60) if "a" in text] == ["aaaa"]


def test_an_error_of_the_space_comes_through():
    class Nothing(Words):
        def sample(self, *, rng, where):
            raise SamplingError("nothing meets the limits")

    with pytest.raises(SamplingError, match="nothing meets the limits"):
        RandomSearch(Nothing(), seed=0).ask()


def test_a_candidate_is_told_once():
    search = RandomSearch(Words(), seed=0)
    candidate = search.ask()
    search.tell(candidate, 1.0)
    with pytest.raises(ValueError, match=r"^candidate 0 is not waiting for a score: tell each candidate of"):
        search.tell(candidate, 1.0)


def test_a_candidate_of_another_search_is_not_taken():
    search = RandomSearch(Words(), seed=0)
    search.ask()
    with pytest.raises(ValueError, match="candidate 0 is not waiting"):
        search.tell(RandomSearch(Words(), seed=1).ask(), 1.0)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_score_is_finite(bad):
    search = RandomSearch(Words(), seed=0)
    candidate = search.ask()
    with pytest.raises(ValueError, match=f"^the score of candidate 0 is {bad}; expected a finite number, or"):
        search.tell(candidate, bad)
    search.tell(candidate, None)  # it still waits


@pytest.mark.parametrize("seed", [None, 1.0, "1", True])
def test_a_seed_is_required(seed):
    with pytest.raises(TypeError, match=r"expected an int \(or a random.Random\), so that a search repeats"):
        RandomSearch(Words(), seed=seed)


@pytest.mark.parametrize(("name", "value"), [("population", 0), ("tournament", -1), ("redraws", 0)])
def test_counts_are_positive(name, value):
    with pytest.raises(ValueError, match=f"^{name} is {value}; expected at least 1$"):
        Evolution(Words(), seed=0, **{name: value})
    with pytest.raises(TypeError, match=f"^{name} is 1.5; expected an int, at least 1$"):
        Evolution(Words(), seed=0, **{name: 1.5})
