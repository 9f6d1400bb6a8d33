"""Imports: files beside a grammar, bundled spaces, Lark's own terminals; what they bring, and what is refused."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

import einspec
from einspec.grammar import read_file, read_text


def write(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.lark"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "main.lark"


def refusal(path: Path) -> str:
    with pytest.raises(einspec.GrammarError) as error:
        read_file(path)
    return str(error.value).replace(str(path.parent), "FOLDER")


def test_a_file_beside_the_grammar(tmp_path: Path) -> None:
    main = write(
        tmp_path,
        main="%import .parts (layer -> item)\nstart: item item -> seq\n",
        parts='layer: act | "n" -> norm\nact: "r" -> relu\n',
    )
    grammar = read_file(main)
    assert list(grammar.rules) == ["item", "start", "parts__act"]
    assert [p.op_name for p in grammar.rules["parts__act"].productions] == ["relu"]
    assert str(einspec.load(main, input=(3, 8)).parse("rn")) == "rn"


def test_what_is_not_asked_for_stays_away(tmp_path: Path) -> None:
    main = write(
        tmp_path,
        main="%import .parts.layer\nstart: layer -> use_it\n",
        parts='layer: "r" -> relu\nother: missing -> x\nOTHER: "a"\n',
    )
    assert list(read_file(main).rules) == ["layer", "start"]


def test_folders_and_files_that_import_files(tmp_path: Path) -> None:
    main = write(
        tmp_path,
        main="%import .deep.parts.layer\nstart: layer layer -> seq\n",
        deep__parts="%import .leaves (leaf)\nlayer: leaf\n",
        deep__leaves='leaf: "r" -> relu //% 0.3\n | "n" -> norm\n',
    )
    space = einspec.load(main, input=(3, 8))
    assert sorted(space.grammar.rules) == ["deep__parts__leaf", "layer", "start"]
    assert {str(arch) for arch in space.enumerate()} == {"rr", "rn", "nr", "nn"}
    again = pickle.loads(pickle.dumps(space))
    for path in tmp_path.rglob("*.lark"):
        path.unlink()
    assert again.grammar == space.grammar
    assert pickle.loads(pickle.dumps(again.parse("rn"))) == space.parse("rn")


def test_extending_and_overriding_what_is_imported(tmp_path: Path) -> None:
    main = write(
        tmp_path,
        main='%import .parts (layer, act)\n%extend act: "p" -> pos //% 0.5\nstart: layer -> use_it\n',
        parts='layer: act\nact: "r" -> relu | "n" -> norm //% 0.4 0.6\n',
    )
    weights = {p.op_name: p.weights[0] for p in read_file(main).rules["act"].productions}
    assert {name: float(weight) for name, weight in weights.items()} == {"relu": 0.2, "norm": 0.3, "pos": 0.5}


def test_a_change_in_an_imported_file_is_another_grammar(tmp_path: Path) -> None:
    main = write(tmp_path, main="%import .parts.layer\nstart: layer -> use_it\n", parts='layer: "r" -> relu\n')
    before = read_file(main)
    write(tmp_path, parts='layer: "q" -> relu\n')
    assert read_file(main) != before


def test_a_file_that_imports_itself(tmp_path: Path) -> None:
    main = write(
        tmp_path, main="%import .other.a\nstart: a -> x\n", other='%import .main.start\na: start | "q" -> relu\n'
    )
    assert refusal(main) == (
        "FOLDER/main.lark:1:1: error[E103]: other imports itself, through the files that it imports\n"
        "    1 | %import .other.a\n"
        "      | ^^^^^^^^^^^^^^^^\n"
        "      = break the circle"
    )


def test_a_missing_file(tmp_path: Path) -> None:
    main = write(tmp_path, main='%import .prats.layer\nstart: layer "x" -> seq\n', parts='layer: "r" -> relu\n')
    assert refusal(main) == (
        "FOLDER/main.lark:1:1: error[E103]: this cannot be imported: there is no file prats.lark beside this one; did you "
        "mean 'parts'?\n"
        "    1 | %import .prats.layer\n"
        "      | ^^^^^^^^^^^^^^^^^^^^\n"
        "      = name a bundled space, common, or a file in this folder"
    )


def test_a_link_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    outside = tmp_path / "secret.lark"
    outside.write_text('layer: "r" -> relu\n', encoding="utf-8")
    os.symlink(outside, tmp_path / "inside" / "parts.lark")
    main = write(tmp_path / "inside", main="%import .parts.layer\nstart: layer -> x\n")
    assert "parts leads out of the folder of its file" in refusal(main)


def test_a_folder_in_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "parts.lark").mkdir()
    main = write(tmp_path, main="%import .parts.layer\nstart: layer -> x\n")
    assert "there is no file parts.lark beside this one" in refusal(main)


def test_problems_of_imported_files_have_their_own_places(tmp_path: Path) -> None:
    main = write(
        tmp_path, main="%import .parts.layer\nstart: layer missing -> x\n", parts='\nlayer: "r" laeyr -> relu //% 0.5\n'
    )
    text = refusal(main)
    assert text.index("FOLDER/main.lark:2:14: error[E201]") < text.index("FOLDER/parts.lark:2:12: error[E201]")
    assert "did you mean 'layer'?" in text
    assert "FOLDER/parts.lark:2:1: error[E302]: the weights of layer add up to 0.5" in text


def test_special_files_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "parts.lark")
    main = write(tmp_path, main="%import .parts.layer\nstart: layer -> x\n")
    assert "there is no file parts.lark beside this one" in refusal(main)
    with pytest.raises(einspec.GrammarError, match="there is no such file"):
        einspec.load(tmp_path / "parts.lark", input=(3, 8))
    with pytest.raises(einspec.GrammarError, match="there is no such file"):
        einspec.load("/dev/zero", input=(3, 8))


def test_common_terminals_are_larks() -> None:
    grammar = read_text(
        '%import common.INT\n%import common.WS -> BLANK\nstart: INT -> linear //% 0\n | "r" -> relu\n%ignore BLANK\n'
    )
    space = einspec.loads(grammar.text, input=(3, 8))
    assert space.parse(" 12 ").output == einspec.Type((3, 12))
    assert str(space.sample(rng=0)) == "r"


def test_many_files(tmp_path: Path) -> None:
    texts = {f"f{i}": f"%import .f{i + 1}.a\n%import .f{i + 1}.a -> b\n" for i in range(150)}
    main = write(tmp_path, main="%import .f0.a\nstart: a -> x\n", **texts)
    assert "more than 100 files are imported" in refusal(main)
