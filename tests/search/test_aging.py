import random

import pytest

from einspec.search import Evolution
from tests.search.fake import Word, Words, score


def oracle(space, seed, cycles, population_size, sample_size, fails):
    """Algorithm 1 of the paper with lists, all that was ever evaluated kept, and failures skipped."""
    rng = random.Random(seed)
    history, scored, seen = [], [], set()
    while len(history) < cycles:
        population = scored[-population_size:]
        while True:
            if len(population) < population_size:
                arch, parent = space.sample(rng=rng), None
            else:
                sample = []
                while len(sample) < sample_size:
                    sample.append(population[int(rng.random() * population_size)])
                best = sample[0]
                for member in sample[1:]:
                    if score(member[1]) > score(best[1]):
                        best = member
                parent = best[0]
                arch = space.mutate(best[1], rng=rng)
            if arch.key not in seen:
                break
        seen.add(arch.key)
        if not fails(arch):
            scored.append((len(history), arch))
        history.append((arch, parent))
    return history, [arch for _, arch in scored[-population_size:]]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("population", "tournament"), [(1, 1), (2, 5), (10, 3), (30, 8)])
def test_agrees_with_the_paper_written_out(seed, population, tournament):
    def fails(word):
        return word.text.startswith("a")

    search = Evolution(Words(), seed=seed, population=population, tournament=tournament)
    asked = []
    for _ in range(150):
        candidate = search.ask()
        search.tell(candidate, None if fails(candidate.arch) else score(candidate.arch))
        asked.append((candidate.arch, candidate.parent))
    history, alive = oracle(Words(), seed, 150, population, tournament, fails)
    assert asked == history
    assert [candidate.arch for candidate in search.alive] == alive


def test_the_oldest_dies_even_if_it_is_the_best():
    search = Evolution(Words(), seed=0, population=3, tournament=2)
    for value in (9.0, 1.0, 2.0):
        search.tell(search.ask(), value)
    assert [candidate.number for candidate in search.alive] == [0, 1, 2]
    search.tell(search.ask(), 0.0)
    assert [candidate.number for candidate in search.alive] == [1, 2, 3]


def test_a_failure_neither_joins_nor_kills():
    search = Evolution(Words(), seed=0, population=2, tournament=2)
    search.tell(search.ask(), 1.0)
    search.tell(search.ask(), None)
    assert [candidate.number for candidate in search.alive] == [0]
    search.tell(search.ask(), 1.0)
    search.tell(search.ask(), None)
    assert [candidate.number for candidate in search.alive] == [0, 2]


def test_the_population_is_in_the_order_of_telling():
    search = Evolution(Words(), seed=0, population=2, tournament=1)
    asked = [search.ask() for _ in range(3)]
    for candidate in reversed(asked):
        search.tell(candidate, 1.0)
    assert [candidate.number for candidate in search.alive] == [1, 0]


def test_seeds_join_the_first_population():
    search = Evolution(Words(), seed=0, seeds=[Word("hhhh")], population=2, tournament=20)
    for _ in range(2):
        candidate = search.ask()
        search.tell(candidate, score(candidate.arch))
    assert search.ask().parent == 0


def test_the_first_population_is_drawn_and_then_mutated():
    space = Words()
    search = Evolution(space, seed=0, population=5, tournament=2)
    for _ in range(5):
        search.tell(search.ask(), 0.0)
    assert set(space.calls) == {"sample"}
    space.calls.clear()
    assert search.ask().parent is not None
    assert set(space.calls) == {"mutate"}


def test_where_mutations_fail_it_draws_afresh():
    space = Words(mutations_fail=True)
    search = Evolution(space, seed=0, population=1, tournament=1)
    search.tell(search.ask(), 0.0)
    space.calls.clear()
    assert search.ask().parent is None
    assert space.calls == ["mutate"] * 10 + ["sample"]


def test_where_mutations_give_only_known_keys_it_draws_afresh():
    class Stuck(Words):
        def mutate(self, word, *, rng, where):
            return word

    search = Evolution(Stuck(), seed=0, population=1, tournament=1, redraws=7)
    search.tell(search.ask(), 0.0)
    assert search.ask().parent is None
    assert search.duplicates == 7


def test_it_beats_chance():
    def best(strategy_seed, population):
        search = Evolution(Words(length=8), seed=strategy_seed, population=population, tournament=5)
        scores = []
        for _ in range(200):
            candidate = search.ask()
            scores.append(score(candidate.arch))
            search.tell(candidate, scores[-1])
        return max(scores)

    seeds = range(5)
    # a population as large as the budget is random search
    assert sum(best(seed, 10) for seed in seeds) > sum(best(seed, 200) for seed in seeds)
