import random
import sys

import pytest
import torch
from torch import nn

import einspec
from einspec.errors import EinspecError
from einspec.search import load_task, random_search, read_run
from einspec.search.digits import Digits, load, split
from einspec.search.training import Training
from einspec.space import Limits
from einspec.space import load as load_space
from tests.search.fake import Words

CLASSES = [*range(10)] * 50


@pytest.fixture
def perceptrons(monkeypatch):
    """``einspec.compile`` gives a small module for each word; words with an a do not compile."""

    def compiled(arch, head, *, seed):
        if "a" in arch.text:
            raise ValueError(f"no module for {arch}")
        torch.manual_seed(seed)
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, head))

    monkeypatch.setattr(einspec, "compile", compiled, raising=False)


def test_the_split_has_no_overlap_and_the_same_shares_of_each_class():
    parts = split(CLASSES)
    assert [len(part) for part in parts] == [300, 100, 100]
    assert sorted(index for part in parts for index in part) == list(range(500))
    for part, share in zip(parts, (30, 10, 10), strict=True):
        assert [sum(CLASSES[index] == wanted for index in part) for wanted in range(10)] == [share] * 10


def test_the_split_is_fixed():
    assert [part[:5] for part in split(CLASSES)] == [
        [140, 380, 420, 360, 220],
        [410, 180, 300, 430, 190],
        [40, 290, 310, 470, 90],
    ]


def test_the_data():
    data = load()
    assert [len(part) for part in (data.training, data.validation, data.test)] == [1078, 359, 360]
    assert data.training.inputs.shape == (1078, 1, 8, 8)
    assert data.training.inputs.mean().abs() < 1e-5
    assert data.training.inputs.std() == pytest.approx(1, abs=1e-5)
    assert data.training.classes[:5].tolist() == [0] * 5


def test_the_score_is_validation_accuracy_and_test_accuracy_a_metric(perceptrons):
    task = Digits(training=Training(epochs=20))
    model, evaluation = task.fit(Words().sample(rng=random.Random(3)))
    assert not model.training
    assert evaluation.score > 0.8
    assert evaluation.metrics.keys() == {"test accuracy"}
    right = (model(load().test.inputs).argmax(1) == load().test.classes).sum().item()
    assert evaluation.metrics["test accuracy"] == right / 360


def test_a_search_on_it_repeats_and_records_failures(perceptrons, tmp_path):
    task = load_task("digits", training=Training(epochs=1))
    results = [random_search(Words(), task, budget=6, seed=0, out=out) for out in (None, tmp_path / "run")]
    scores = [[(one.score, one.error) for one in result.evaluations] for result in results]
    assert scores[0] == scores[1]
    assert {one.error for one in results[0].failures} == {
        f"ValueError: no module for {one.arch}" for one in results[0].failures
    }
    manifest = read_run(tmp_path / "run").manifest
    assert manifest["task"]["name"] == "digits"
    assert manifest["task"]["training"]["epochs"] == 1
    assert manifest["versions"]["torch"] == torch.__version__


def test_more_epochs_for_the_best(perceptrons):
    task = Digits(training=Training(epochs=1))
    word = Words("bcd").sample(rng=random.Random(0))
    assert task.fit(word, epochs=20)[1].score > task(word).score


def test_without_scikit_learn(monkeypatch):
    load.cache_clear()
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(EinspecError) as caught:
        load_task("digits")
    assert str(caught.value) == (
        "the task digits needs scikit-learn, which brings the images along; install it with: "
        'pip install "einspec[demo]"'
    )


def test_an_unknown_task():
    with pytest.raises(EinspecError) as caught:
        load_task("digit")
    assert str(caught.value) == "task 'digit': no such task; expected digits; did you mean 'digits'?"


def test_what_fits_is_bounded_by_counts():
    task = Digits(max_primitives=9, max_activations=1000)
    space = load_space("einspace", input=task.input)
    assert task.fits(space.parse("seq(linear(16), relu)"))
    assert not task.fits(space.parse("seq(linear(128), relu)"))  # 2 * 8 * 128 values
    assert not task.fits(space.parse("replicate(group(8,2), replicate(group(8,3), relu, cat(3)), cat(2))"))


def test_an_architecture_is_trained():
    task = Digits(training=Training(epochs=5))
    space = load_space("einspace", input=task.input, limits=Limits(**task.limits))
    arch = space.parse("route(im2col(8,8,0), seq(linear(64), relu), col2im)")
    first, second = task(arch), task(arch)
    assert first == second
    assert first.score > 0.85
    result = random_search(space, task, budget=3, seed=0, where=task.fits, seeds=[arch])
    assert result.evaluations[0].score >= first.score
