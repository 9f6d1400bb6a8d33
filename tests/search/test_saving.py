from pathlib import Path

import pytest
import torch
from torch import nn

from einspec.errors import StoreError
from einspec.search import save_best
from tests.search.fake import Word


def test_the_three_files(tmp_path):
    model = nn.Linear(2, 3)
    paths = save_best(tmp_path / "run", Word("abcd"), model)
    assert [path.name for path in paths] == ["best.pt", "best.json", "best.arch"]
    other = nn.Linear(2, 3)
    other.load_state_dict(torch.load(paths[0]))
    assert torch.equal(other.weight, model.weight)
    assert paths[1].read_text() == '"abcd"\n'
    assert paths[2].read_text() == "abcd\n"


def test_a_file_that_is_cut_short_does_not_replace_the_old_one(tmp_path, monkeypatch):
    save_best(tmp_path, Word("abcd"), nn.Linear(2, 3))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(path, content):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StoreError) as caught:
        save_best(tmp_path, Word("bbbb"), nn.Linear(2, 3))
    assert str(caught.value) == (
        f"{tmp_path}/best.pt: cannot be written: No space left on device. Check the disk and the "
        f"permissions of the folder"
    )
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
