import math

import pytest
import torch
from torch import nn

from einspec.search.training import Examples, Training, _rate, accuracy, train

SHORT = Training(epochs=10, batch_size=16)


def examples(n=100):
    """Two classes, told apart by the sign of a sum."""
    inputs = torch.randn(n, 4, generator=torch.Generator().manual_seed(0))
    return Examples(inputs, (inputs.sum(1) > 0).long())


def module():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 2))


def test_it_learns():
    model, data = module(), examples(400)
    train(model, data, SHORT, seed=0)
    assert not model.training
    assert accuracy(model, data) > 0.9


def test_the_same_seed_gives_the_same_weights():
    models = [module() for _ in range(3)]
    for model, seed in zip(models, (0, 0, 1), strict=True):
        train(model, examples(), SHORT, seed=seed)
    states = [torch.cat([value.flatten() for value in model.state_dict().values()]) for model in models]
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


def test_torch_is_left_as_it_was():
    torch.manual_seed(7)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    model = nn.Linear(4, 2)
    torch.manual_seed(7)
    train(model, examples(), SHORT, seed=0)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_a_batch_is_never_one_example():
    # 17 examples in batches of 16 would leave one, which batch norm refuses
    train(module(), examples(17), SHORT, seed=0)
    train(module(), examples(5), SHORT, seed=0)


class Explodes(nn.Module):
    """Fine for some steps, and then not."""

    def __init__(self, factor):
        super().__init__()
        self.linear = nn.Linear(4, 2)
        self.calls = 0
        self.factor = factor

    def forward(self, x):
        self.calls += 1
        y = self.linear(x)
        return y * self.factor if self.calls == 5 else y


class InfiniteGradient(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 2)

    def forward(self, x):
        return torch.sqrt(self.linear(x) * 0)


@pytest.mark.parametrize(
    ("model", "what"),
    [
        (Explodes(math.nan), "the loss is nan at step 5 of 60"),
        (InfiniteGradient(), "the norm of the gradient is nan at step 1 of 60"),
    ],
)
def test_divergence_is_an_error(model, what):
    threads = torch.get_num_threads()
    with pytest.raises(FloatingPointError) as caught:
        train(model, examples(), SHORT, seed=0)
    assert str(caught.value) == (f"training diverged: {what}; expected a finite number. A lower learning rate may help")
    assert torch.get_num_threads() == threads


def test_the_schedule_rises_and_falls():
    rates = [_rate(step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[9] == rates[10] == 1
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.001
    assert _rate(0, 1) == 1
    assert _rate(1, 1) > 0  # asked for after the last step
