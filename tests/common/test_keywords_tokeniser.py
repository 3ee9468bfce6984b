"""Lines of keyword files: items, comments, continuation, directives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.tokeniser import Quoted, Reader, TokenError, split_items


@pytest.mark.parametrize(
    ("line", "items"),
    [
        ("STEPS 5000 1.0", ["STEPS", "5000", "1.0"]),
        ("STEP 0.4,0.51", ["STEP", "0.4", "0.51"]),
        ("STEP 0.4 , 0.51", ["STEP", "0.4", "0.51"]),
        ("STEP ,, 0.51", ["STEP", "", "0.51"]),
        ("STEP , , 0.51", ["STEP", "", "0.51"]),
        ("STEP 1,,,2", ["STEP", "1", "", "", "2"]),
        ("STEP 1,", ["STEP", "1"]),
        ("EXEC '/a b/OPTIM' \"c 'd'\"", ["EXEC", "/a b/OPTIM", "c 'd'"]),
        ("EXEC don't", ["EXEC", "don't"]),
        ("STEPS (how (very) many) 5", ["STEPS", "5"]),
        ("(a comment) STEPS 5", ["STEPS", "5"]),
        ("STEPS f(x)", ["STEPS", "f(x)"]),
        ("NATOMS 1 ! Dummy 'line (needs", ["NATOMS", "1"]),
        ("AVOID 4.0 !not a comment", ["AVOID", "4.0", "!not", "a", "comment"]),
        ("EXEC '!' x", ["EXEC", "!", "x"]),
        ("\tSORT\t", ["SORT"]),
        ("", []),
        ("   ", []),
        ("! AVOID 4.0 20 F", []),
        ("# (anything 'goes", []),
        ("Note that (this is a comment", []),
        ("comment FIXBOTH", []),
        ("\\ text", []),
        ("\\\\ text", []),
        ("!AVOID 4.0", ["!AVOID", "4.0"]),
    ],
)
def test_items_of_a_line(line, items):
    assert split_items(line) == items


@pytest.mark.parametrize(
    ("line", "items"),
    [
        ("#IDENTIFY", []),
        ("  # x", []),
        ("! x", []),
        ("COMMENT x", []),
        ("NOTE x", ["NOTE", "x"]),
        ("LABELFORMAT (F8.2)", ["LABELFORMAT", "(F8.2)"]),
        ("IDMIN 2 ! global minimum", ["IDMIN", "2"]),
        ("TRMIN 2,994 t1.txt t2.txt", ["TRMIN", "2", "994", "t1.txt", "t2.txt"]),
    ],
)
def test_items_of_a_dinfo_line(line, items):
    assert split_items(line, "dinfo") == items


@pytest.mark.parametrize("line", ["EXEC 'a b", 'EXEC "a', "STEPS (never closed (nested) 5"])
def test_what_opens_must_close(line):
    with pytest.raises(TokenError, match="not closed"):
        split_items(line)


word = st.text(st.characters(codec="ascii", exclude_characters=" \t\r\n\f\v\x1c\x1d\x1e,'\"(!"), min_size=1, max_size=8)


@given(st.lists(word, min_size=1, max_size=6), st.sampled_from([" ", "  ", "\t", ",", " , "]))
def test_items_survive_joining(words, separator):
    assert split_items("KEY" + " " + separator.join(words)) == ["KEY", *words]


@given(st.text(st.characters(codec="ascii", exclude_characters="\r\n'"), max_size=20))
def test_quotes_keep_everything(text):
    items = split_items(f"KEY '{text}'")
    assert items == ["KEY", text]
    assert isinstance(items[1], Quoted)


def logical(text, style="wales", path=None):
    problems = []
    reader = Reader("data", text, problems, style, path)
    return [(line.where, line.items) for line in reader.logical_lines()], problems, reader


def test_continuation():
    lines, problems, _ = logical("STEPS 5 +++\n! 1.0\n 1.0 +++ ! more\n NOTE\nSORT\n")
    assert not problems
    # A comment word counts only at the start of a logical line, '!' everywhere.
    assert lines == [("data:1", ["STEPS", "5"]), ("data:3", ["1.0", "NOTE"]), ("data:5", ["SORT"])]


def test_long_lines_are_not_cut():
    path = "/very/long" * 40
    lines, _, _ = logical(f"EXEC {path} " + "+++\n x " * 200)
    assert lines[0][1][1] == path
    assert len(lines[0][1]) == 202


def test_continuation_needs_a_next_line():
    lines, problems, _ = logical("SORT\nSTEPS 5 +++")
    assert lines == [("data:1", ["SORT"])]
    assert problems == ["data:2: STEPS 5 +++: '+++' continues the line, but the file ends here"]


def test_concat_changes_the_continuation():
    lines, problems, _ = logical("#concat '&&'\nSTEPS &&\n5\nSORT +++\nCENTRE\n")
    assert not problems
    assert lines == [("data:2", ["STEPS", "5"]), ("data:4", ["SORT", "+++"]), ("data:5", ["CENTRE"])]


def test_dinfo_continuation():
    lines, problems, _ = logical("TRMIN 2 994 t1.txt &\nt2.txt\nIDMIN 2&\n\nLEVELS 3", "dinfo")
    assert not problems
    assert [where for where, _ in lines] == ["data:1", "data:3", "data:5"]
    assert [items for _, items in lines] == [["TRMIN", "2", "994", "t1.txt", "t2.txt"], ["IDMIN", "2"], ["LEVELS", "3"]]


def test_include_and_revert(tmp_path):
    (tmp_path / "sub").mkdir()
    main = tmp_path / "data"
    main.write_text("SORT\n#include sub/one\nCENTRE\n")
    (tmp_path / "sub" / "one").write_text("STEPS 1\n#include two\n#revert\nNEVER READ\n")
    (tmp_path / "sub" / "two").write_text("! nothing\nSAVE 2\n")
    lines, problems, _ = logical(main.read_text(), path=main)
    assert not problems
    assert [items[0] for _, items in lines] == ["SORT", "STEPS", "SAVE", "CENTRE"]
    assert lines[1][0] == f"{tmp_path}/sub/one:1"
    assert lines[2][0] == f"{tmp_path}/sub/two:2"
    assert lines[3][0] == "data:3"


def test_include_problems(tmp_path):
    main = tmp_path / "data"
    main.write_text("#include\n#include missing\n#include data\n#include other\nSORT\n")
    (tmp_path / "other").write_text("#include data\n")
    lines, problems, _ = logical(main.read_text(), path=main)
    assert [items for _, items in lines] == [["SORT"]]
    assert problems[0] == "data:1: #include: missing the name of the file to include"
    assert problems[1] == "data:2: #include missing: cannot read 'missing': No such file or directory"
    assert "data:3: #include data: files include each other in a circle" in problems[2]
    assert problems[3].startswith(f"{tmp_path}/other:1: #include data: files include each other in a circle: data -> ")
    assert len(problems) == 4
    _, problems, _ = logical("#include a\0b")
    assert problems[0].endswith("a file name cannot hold a null character")


def test_echo_records_lines():
    _, problems, reader = logical("SORT\n#echo on\nSTEPS 5\n#echo off\nCENTRE\n#echo\nSAVE 1")
    assert not problems
    assert reader.echoed == ["data:3: STEPS 5", "data:4: #echo off", "data:7: SAVE 1"]


def test_unknown_directives():
    _, problems, _ = logical("#frob\n#echo maybe\n#concat\n")
    assert "unknown directive" in problems[0]
    assert problems[0].startswith("data:1: #frob: ")
    assert problems[1] == "data:2: #echo maybe: expected 'on' or 'off', found 'maybe'"
    assert problems[2] == "data:3: #concat: missing the string that continues a line"


def test_a_line_that_cannot_be_split_is_reported_and_the_rest_read():
    lines, problems, _ = logical("EXEC 'a\nSORT\n")
    assert lines == [("data:2", ["SORT"])]
    assert problems == ["data:1: EXEC 'a: the quotation opened by ' in column 6 is not closed"]


def test_unknown_style():
    with pytest.raises(ValueError, match="style"):
        Reader("data", "", [], "fortran")
