"""Grammar files that are missing, unreadable, or no text: one clear message, and no other library's error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import einspec
from einspec.grammar import bundled_names, read_file

KNOWN = "darts, einspace, mlp, nasbench201"


def message(name: Any) -> str:
    with pytest.raises(einspec.GrammarError) as error:
        read_file(name)
    return str(error.value)


def test_the_bundled_names() -> None:
    assert bundled_names() == ["darts", "einspace", "mlp", "nasbench201"]


def test_unknown_names() -> None:
    assert message("einspase") == (
        f"'einspase' is neither a bundled space ({KNOWN}) nor the path of a grammar file; did you mean 'einspace'?"
    )
    assert message("zzzz") == f"'zzzz' is neither a bundled space ({KNOWN}) nor the path of a grammar file"
    assert message("") == f"'' is neither a bundled space ({KNOWN}) nor the path of a grammar file"


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    expected = f"expected a grammar file (*.lark) or a bundled space ({KNOWN})"
    assert message("no/such.lark") == f"'no/such.lark': there is no such file; {expected}"
    assert message("such.lark") == f"'such.lark': there is no such file; {expected}"
    assert message(tmp_path) == f"'{tmp_path}': it is a folder; {expected}"
    assert message("a\0b") == f"'a\\x00b': there is no such file; {expected}"


def test_names_that_no_file_can_have() -> None:
    assert message("a" * 5000) == f"{'a' * 200}...: cannot be read: File name too long"
    assert message("\ud800") == f"'\\ud800' is neither a bundled space ({KNOWN}) nor the path of a grammar file"


def test_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "latin.lark"
    path.write_bytes('// ok\nstart: "é"\n'.encode("latin-1"))
    assert message(path) == f"{path}:2: byte 14 is not UTF-8; save the file as UTF-8"
    path.write_bytes(bytes(range(256)))
    assert message(path) == f"{path}:2: byte 128 is not UTF-8; save the file as UTF-8"


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "large.lark"
    path.write_bytes(b"/" * (4 << 20) + b"/")
    assert message(path) == f"{path}: larger than 4 MiB, so it is not read; split the grammar"
    with pytest.raises(einspec.GrammarError, match=r"^<text>: longer than 4 MiB, so it is not read"):
        einspec.loads("/" * (4 << 20) + "/")


@pytest.mark.parametrize("content", ["", "\n\n", "// only this\n", "\ufeff"])
def test_a_file_without_rules(tmp_path: Path, content: str) -> None:
    path = tmp_path / "empty.lark"
    path.write_text(content, "utf-8")
    assert message(path).startswith(f"{path}:1:1: error[E101]: there are no rules here\n")


def test_windows_files_read_like_others(tmp_path: Path) -> None:
    text = '//% start a\r\na: "r" -> relu //% 0.5\r\n | "n" -> norm\r\n'
    path = tmp_path / "windows.lark"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    space = einspec.load(path, input=(3, 8))
    assert [str(arch) for arch in space.enumerate()] == ["r", "n"]
    assert str(einspec.load(str(path), input=(3, 8)).sample(rng=0)) in ("r", "n")
    with pytest.raises(einspec.GrammarError) as error:
        einspec.loads('a: "r" -> rleu\r\n', input=(3, 8))
    assert str(error.value).split("\n")[1] == '    1 | a: "r" -> rleu'


@pytest.mark.parametrize("name", [None, 5, b"einspace"])
def test_a_name_is_a_string_or_a_path(name: Any) -> None:
    with pytest.raises(TypeError, match="expected the name of a space or the path of a grammar file, not"):
        einspec.load(name)


def test_terminals_made_of_terminals_without_end() -> None:
    text = 'start: T0 -> linear\nT3000: "16"\n' + "".join(f"T{i}: T{i + 1}\n" for i in range(3000))
    with pytest.raises(einspec.GrammarError, match="terminals nested deeper than 100"):
        einspec.loads(text, input=(3, 8))


def test_a_large_grammar() -> None:
    words = " | ".join(f'"{i}"' for i in range(1, 2001))
    rules = "".join(f'r{i}: "r{i}" -> relu //% 0.5\n | r{i + 1}\n' for i in range(150))
    space = einspec.loads(f'start: "linear" W -> linear | r0\nW: {words}\n{rules}r150: "end" -> norm\n', input=(3, 8))
    assert space.grammar.count() == 2000 + 151
    assert len(space.nonterminals["start"].members) == 2001
    assert str(space.parse("r77")) == "r77"
    assert len(set(map(str, space.samples(50, rng=0)))) > 2
