"""Imports that go wrong, in full: which files they name, what these hold, and circles of them."""

from __future__ import annotations

from pathlib import Path

import pytest

import einspec

CASES = {
    "a circle of one": (
        {"main": '%import .main.start -> part\nstart: part "x" -> relu\n'},
        "main.lark:1:1: error[E103]: main imports itself, through the files that it imports\n"
        "    1 | %import .main.start -> part\n"
        "      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "      = break the circle",
    ),
    "a circle of two": (
        {
            "main": '%import .other.part\nstart: part | "x" -> relu\n',
            "other": '%import .main.start\npart: start | "y" -> norm\n',
        },
        "FOLDER/main.lark:1:1: error[E103]: other imports itself, through the files that it imports\n"
        "    1 | %import .other.part\n"
        "      | ^^^^^^^^^^^^^^^^^^^\n"
        "      = break the circle",
    ),
    "a file that is missing": (
        {"main": "%import .othr.part\nstart: part\n", "other": 'part: "x" -> relu\n'},
        "main.lark:1:1: error[E103]: this cannot be imported: there is no file othr.lark beside this one; "
        "did you mean 'other'?\n"
        "    1 | %import .othr.part\n"
        "      | ^^^^^^^^^^^^^^^^^^\n"
        "      = name a bundled space, common, or a file in this folder",
    ),
    "a file that is missing, without a hint": (
        {"main": "%import .folder.qqq.part\nstart: part\n"},
        "main.lark:1:1: error[E103]: this cannot be imported: there is no file folder/qqq.lark beside this one\n"
        "    1 | %import .folder.qqq.part\n"
        "      | ^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "      = name a bundled space, common, or a file in this folder",
    ),
    "a bundled space that is none": (
        {"main": "%import einspase.module\nstart: module\n"},
        "main.lark:1:1: error[E103]: this cannot be imported: there is no file einspase.lark beside this one; "
        "did you mean 'einspace'?\n"
        "    1 | %import einspase.module\n"
        "      | ^^^^^^^^^^^^^^^^^^^^^^^\n"
        "      = name a bundled space, common, or a file in this folder",
    ),
    "a name that is missing": (
        {"main": "%import .other.prt\nstart: prt\n", "other": 'part: "x" -> relu\nWIDTH: "16"\n'},
        "main.lark:1:16: error[E201]: FOLDER/other.lark has no prt\n"
        "    1 | %import .other.prt\n"
        "      |                ^^^\n"
        "      = did you mean 'part'?",
    ),
    "a name that is missing, without a hint": (
        {"main": "%import .other (part, qqq)\nstart: part qqq\n", "other": 'part: "x" -> relu\nWIDTH: "16"\n'},
        "main.lark:1:23: error[E201]: FOLDER/other.lark has no qqq\n"
        "    1 | %import .other (part, qqq)\n"
        "      |                       ^^^\n"
        "      = it has WIDTH, part",
    ),
    "a name of an empty file": (
        {"main": "%import .other.part\nstart: part\n", "other": "// nothing\n"},
        "main.lark:1:16: error[E201]: FOLDER/other.lark has no part\n"
        "    1 | %import .other.part\n"
        "      |                ^^^^\n"
        "      = it has nothing",
    ),
    "a link that leads outside": (
        {"main": "%import .link.part\nstart: part\n", "link": ""},
        "main.lark:1:1: error[E103]: this cannot be imported: .link leads to FOLDER/outside.lark, "
        "which is outside of the folder of its file\n"
        "    1 | %import .link.part\n"
        "      | ^^^^^^^^^^^^^^^^^^\n"
        "      = name a bundled space, common, or a file in this folder",
    ),
    "a file that is no text": (
        {"main": "%import .other.part\nstart: part\n", "other": "LATIN"},
        "main.lark:1:1: error[E103]: this cannot be imported: FOLDER/other.lark:1: byte 7 is not UTF-8; "
        "save the file as UTF-8\n"
        "    1 | %import .other.part\n"
        "      | ^^^^^^^^^^^^^^^^^^^",
    ),
    "an imported name that is defined again": (
        {"main": '%import .other.part\npart: "y" -> norm\nstart: part\n', "other": 'part: "x" -> relu\n'},
        "main.lark:2:1: error[E202]: part is defined twice, first at FOLDER/other.lark:1:1\n"
        '    2 | part: "y" -> norm\n'
        "      | ^^^^\n"
        "      = write %extend to add to an imported rule, %override to replace it",
    ),
    "mistakes in an imported file": (
        {
            "main": '%import .other.part\nstart: part | qqq\n',
            "other": 'part: "x" -> rleu //% often\n | prt\nunused: missing\n',
        },
        "main.lark:2:15: error[E201]: the rule qqq is used and not defined\n"
        "    2 | start: part | qqq\n"
        "      |               ^^^\n"
        "      = define it, as in   qqq: ...\n"
        "FOLDER/other.lark:1:7: error[E401]: there is no op rleu (the alias)\n"
        '    1 | part: "x" -> rleu //% often\n'
        "      |       ^^^^^^^^^^^\n"
        "      = did you mean 'relu'?\n"
        "FOLDER/other.lark:1:19: error[E301]: 'often' is not a weight\n"
        '    1 | part: "x" -> rleu //% often\n'
        "      |                   ^^^^^^^^^\n"
        "      = write a decimal or a fraction: 0.25, 1/4\n"
        "FOLDER/other.lark:2:4: error[E201]: the rule prt is used and not defined\n"
        "    2 |  | prt\n"
        "      |    ^^^\n"
        "      = did you mean 'part'?",
    ),
    "an op of an imported file": (
        {"main": "%import .other.part\nstart: part\n", "other": 'part: "x" -> rleu\n'},
        "FOLDER/other.lark:1:7: error[E401]: there is no op rleu (the alias)\n"
        '    1 | part: "x" -> rleu\n'
        "      |       ^^^^^^^^^^^\n"
        "      = did you mean 'relu'?",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_message_in_full(name: str, tmp_path: Path) -> None:
    files, message = CASES[name]
    folder = tmp_path / "folder"
    folder.mkdir()
    for file, text in files.items():
        (folder / f"{file}.lark").write_text(text)
    if "link" in files:
        (tmp_path / "outside.lark").write_text('part: "x" -> relu\n')
        (folder / "link.lark").unlink()
        (folder / "link.lark").symlink_to(tmp_path / "outside.lark")
    if "LATIN" in files.values():
        (folder / "other.lark").write_bytes('part: "é" -> relu\n'.encode("latin-1"))
    with pytest.raises(einspec.GrammarError) as error:
        einspec.load(folder / "main.lark", input=(3, 8))
    found = str(error.value).replace(f"{tmp_path}/outside", "FOLDER/outside").replace(str(folder), "FOLDER")
    assert found.removeprefix("FOLDER/") == message.removeprefix("FOLDER/")


def test_a_hundred_files_at_most(tmp_path: Path) -> None:
    names = [f"f{i}" for i in range(102)]
    for name in names:
        (tmp_path / f"{name}.lark").write_text(f'{name}: "{name}" -> relu\n')
    imports = "".join(f"%import .{name}.{name}\n" for name in names)
    (tmp_path / "main.lark").write_text(f"{imports}start: {' | '.join(names)}\n")
    with pytest.raises(einspec.GrammarError) as error:
        einspec.load(tmp_path / "main.lark", input=(3, 8))
    assert str(error.value).replace(str(tmp_path), "FOLDER") == (
        "FOLDER/main.lark:101:1: error[E103]: more than 100 files are imported\n"
        "  101 | %import .f100.f100\n"
        "      | ^^^^^^^^^^^^^^^^^^\n"
        "      = join some of them"
    )
