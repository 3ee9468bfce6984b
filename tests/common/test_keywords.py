"""Tables of keywords, settings, and every kind of problem with an input file."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from common.keywords import load_table, parse_file, parse_text

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "../shared/wales/examples"

TABLE = """
STEPS:
  meaning: Number of basin-hopping steps.
  group: Run
  arguments:
    - {name: n, type: int, minimum: 0, meaning: number of basin-hopping steps}
    - {name: tfac, type: real, default: 1.0, positive: true}
TEMPERATURE:
  meaning: Metropolis temperature.
  group: Run
  arguments: [{name: T, type: real, rest: true, default: 0.3, unit: energy}]
SLOPPYCONV: {meaning: RMS gradient in the run., aliases: [BASIN], arguments: [{name: rms, type: real, default: 1D-3}]}
AVOID:
  meaning: Minima to stay away from.
  arguments:
    - {name: distance, type: real, default: 1.0}
    - {name: most, type: int, default: 10}
    - {name: reseed, type: logical, default: T}
DIJKSTRA:
  meaning: Weight of an untried pair.
  arguments: [{name: weight, type: int|word, choices: [EXP], default: 1}]
CONNECT: {meaning: Pair., arguments: [{name: a, type: int}, {name: b, type: int}]}
DIRECTION: {meaning: Which way., arguments: [{name: way, type: word, choices: [AB, BA], default: AB}]}
EXEC: {meaning: Executable., arguments: [{name: path, type: file}]}
TITLE: {meaning: Title., arguments: [{name: words, type: text, optional: true}]}
IDMIN: {meaning: Label., repeat: true, arguments: [{name: minimum, type: int, minimum: 1}]}
SEED: {meaning: Seed., arguments: [{name: n, type: int, optional: true}]}
SORT: {meaning: Sort.}
LOOSE: {meaning: Text behind., extra: ignore, arguments: [{name: n, type: int}]}
ECHOED: {meaning: YAML words stay words., arguments: [{name: state, type: word, choices: [ON, OFF, YES, NO], default: OFF}]}
STOP: {meaning: End., ends: true}
POINTS: {meaning: Coordinates., body: lines}
AMBER12: {status: known, reason: the suite has no force fields}
"""


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "keywords.yaml"
    path.write_text(TABLE)
    return load_table(path)


def problems(text, table, **options):
    return parse_text(text, table, **options).problems


def test_defaults_when_not_given(table):
    settings = parse_text("", table)
    assert not settings.given("STEPS")
    assert settings["STEPS"].n is None
    assert settings["STEPS"].tfac == 1.0
    assert settings["TEMPERATURE"].T == [0.3]
    assert settings["SLOPPYCONV"].rms == 1e-3
    assert settings["AVOID"].reseed is True
    assert settings["DIRECTION"].way == "AB"
    assert settings["ECHOED"].state == "OFF"
    assert settings.all("IDMIN") == []
    assert settings.body("POINTS") == []
    assert settings.where("STEPS") == "data"
    settings.finish()


def test_defaults_are_not_shared(table):
    settings = parse_text("", table)
    settings["TEMPERATURE"].T.append(5.0)
    assert settings["TEMPERATURE"].T == [0.3]


def test_values(table):
    text = """! head
steps 5D3 .5d0
Temperature 1.0 2 1-1 ! three runs
BASIN 5.0D-3
AVOID 4.0,,F
DIJKSTRA exp
DIRECTION ba
EXEC '/home/a b/OPTIM'
TITLE two words (hidden) more
IDMIN 2
IDMIN 8.9
echoed no
LOOSE 1 and whatever
STOP
UNKNOWN
"""
    settings = parse_text(text, table)
    settings.finish()
    assert settings["STEPS"].n == 5000
    assert settings["STEPS"].tfac == 0.5
    assert settings["TEMPERATURE"].T == [1.0, 2.0, 0.1]
    assert settings["SLOPPYCONV"].rms == 5e-3
    assert settings["BASIN"].rms == 5e-3
    assert settings.given("SLOPPYCONV")
    assert (settings["AVOID"].distance, settings["AVOID"].most, settings["AVOID"].reseed) == (4.0, 10, False)
    assert settings["DIJKSTRA"].weight == "EXP"
    assert settings["DIRECTION"].way == "BA"
    assert settings["EXEC"].path == "/home/a b/OPTIM"
    assert settings["TITLE"].words == "two words more"
    assert [value.minimum for value in settings.all("IDMIN")] == [2, 8]
    assert settings["ECHOED"].state == "NO"
    assert settings["LOOSE"].n == 1
    assert settings.where("STEPS") == "data:2"
    assert settings.where("IDMIN", 0) == "data:10"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("\n\nSTPES 5000", "data:3: STPES 5000: unknown keyword; did you mean STEPS?"),
        ("!AVOID 4.0", "data:1: !AVOID 4.0: unknown keyword; a comment needs a blank after '!'"),
        ("QQQQQQ", "data:1: QQQQQQ: unknown keyword; --keywords lists all of them"),
        ("TEMPERATURE 0.x1", "data:1: TEMPERATURE 0.x1: T must be a real number, found '0.x1'"),
        ("STEPS", "data:1: STEPS: missing argument n (integer: number of basin-hopping steps)"),
        ("CONNECT 1,,", "data:1: CONNECT 1 : missing argument b (integer)"),
        ("STEPS 5 1 7", "data:1: STEPS 5 1 7: STEPS takes at most 2 arguments, got '7' too (comments start with ' ! ')"),
        ("SORT 3", "data:1: SORT 3: SORT takes no arguments, got '3' too (comments start with ' ! ')"),
        ("IDMIN 1 3", "data:1: IDMIN 1 3: IDMIN takes one argument, got '3' too (comments start with ' ! ')"),
        ("STEPS -1", "data:1: STEPS -1: n must be at least 0, found '-1'"),
        ("STEPS 1 0", "data:1: STEPS 1 0: tfac must be positive, found '0'"),
        ("STEPS 1E999", "data:1: STEPS 1E999: n must be an integer, found '1E999'"),
        ("STEPS nan", "data:1: STEPS nan: n must be an integer, found 'nan'"),
        ("AVOID 1 2 maybe", "data:1: AVOID 1 2 maybe: reseed must be a logical, T or F, found 'maybe'"),
        ("DIJKSTRA SQRT", "data:1: DIJKSTRA SQRT: weight must be an integer or one of EXP, found 'SQRT'"),
        ("DIRECTION C", "data:1: DIRECTION C: way must be one of AB, BA, found 'C'"),
        ("AMBER12 a", "data:1: AMBER12 a: AMBER12 is known but not supported: the suite has no force fields"),
    ],
)
def test_problems(table, text, problem):
    assert [" ".join(p.split()) for p in problems(text, table)] == [" ".join(problem.replace(" :", ":").split())]


def test_all_problems_are_reported_at_once(table):
    settings = parse_text("STPES 5000\nTEMPERATURE 0.x1\nSTEPS\nSORT\n", table)
    settings.error("SORT", "cannot be used with TEMPERATURE; remove one")
    settings.error("SEED", "is needed here")
    with pytest.raises(InputError) as caught:
        settings.finish()
    assert caught.value.exit_status == 2
    assert [problem.split(": ")[0] for problem in caught.value.problems] == ["data:1", "data:2", "data:3", "data:4", "data"]
    assert caught.value.problems[3] == "data:4: SORT: cannot be used with TEMPERATURE; remove one"
    assert caught.value.problems[4] == "data: SEED: is needed here"
    assert len(str(caught.value).splitlines()) == 5


def test_a_bad_value_leaves_the_default(table):
    settings = parse_text("AVOID x 5\nCONNECT 1 y\n", table)
    assert (settings["AVOID"].distance, settings["AVOID"].most) == (1.0, 5)
    assert (settings["CONNECT"].a, settings["CONNECT"].b) == (1, None)
    assert len(settings.problems) == 2


def test_last_line_wins_and_is_noted(table):
    settings = parse_text("STEPS 1\nSTEPS 2 0.5\n", table)
    assert settings["STEPS"].n == 2
    assert settings.notes == ["data:2: STEPS 2 0.5 replaces STEPS 1 of data:1"]
    assert settings.echo() == ["STEPS 2 0.5", "! data:2: STEPS 2 0.5 replaces STEPS 1 of data:1"]


def test_body(table, tmp_path):
    (tmp_path / "atoms").write_text("AX 1 2 3\n")
    main = tmp_path / "odata"
    main.write_text("STEPS 1\n#echo on\nPOINTS\nAX 0 0 0 +++\n\n! raw\n")
    settings = parse_file(main, table)
    settings.finish()
    assert settings.body("POINTS") == [(4, "AX 0 0 0 +++"), (5, ""), (6, "! raw")]
    assert settings.body("POINTS")[0].where == f"{main}:4"
    main.write_text("STEPS 1\n#include points\nAX 4 5 6\n")
    (tmp_path / "points").write_text("POINTS\nAX 1 2 3\n")
    settings = parse_file(main, table)
    settings.finish()
    assert [line.where for line in settings.body("POINTS")] == [f"{tmp_path}/points:2", f"{main}:3"]


def test_integers_in_dinfo_have_no_point(table):
    assert problems("IDMIN 2", table, style="dinfo") == []
    assert problems("IDMIN 2.0", table, style="dinfo") == ["data:1: IDMIN 2.0: minimum must be an integer, found '2.0'"]
    assert parse_text("SLOPPYCONV 1e-6", table, style="dinfo")["SLOPPYCONV"].rms == 1e-6
    for text, value in [("T", True), (".true.", True), ("on", True), ("False", False), (".F.", False), ("OFF", False)]:
        assert parse_text(f"AVOID 1.0 2 {text}", table, style="dinfo")["AVOID"].reseed is value


def test_missing_file(table, tmp_path):
    with pytest.raises(InputError, match="data: no such file in"):
        parse_file(tmp_path / "data", table)
    with pytest.raises(InputError, match="cannot be read"):
        parse_file(tmp_path, table)


def test_comments_in_any_encoding(table, tmp_path):
    (tmp_path / "data").write_bytes(b"! \xc5ngstr\xf6m \xff\r\nSTEPS 5\r\n")
    settings = parse_file(tmp_path / "data", table)
    settings.finish()
    assert settings["STEPS"].n == 5


def test_unknown_name_is_a_programming_error(table):
    with pytest.raises(KeyError):
        parse_text("", table)["NOSUCH"]


# -- the echo gives the same settings again -----------------------------------------------------------------------------

reals = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(codec="ascii", exclude_characters="\r\n\f\v\x1c\x1d\x1e'"), min_size=1, max_size=10)


@given(
    st.integers(0, 10**12),
    st.floats(min_value=1e-300, max_value=1e300),
    st.lists(reals, min_size=1, max_size=4),
    reals,
    st.booleans(),
    texts,
    st.lists(st.integers(1, 10**6), max_size=3),
    st.sampled_from(["3", "EXP", "exp"]),
)
def test_echo_round_trip(table, n, tfac, temperatures, distance, reseed, path, labels, weight):
    lines = [
        f"STEPS {n} {tfac!r}",
        "TEMPERATURE " + " ".join(map(repr, temperatures)),
        f"AVOID {distance!r},,{'T' if reseed else 'F'}",
        f"EXEC '{path}'",
        f"DIJKSTRA {weight}",
        "SEED",
        "SORT",
        *(f"IDMIN {label}" for label in labels),
    ]
    first = parse_text("\n".join(lines), table)
    first.finish()
    assert (first["STEPS"].n, first["STEPS"].tfac, first["AVOID"].distance) == (n, tfac, distance)
    assert temperatures == first["TEMPERATURE"].T
    assert path == first["EXEC"].path
    again = parse_text("\n".join(first.echo()), table)
    again.finish()
    for name in ("STEPS", "TEMPERATURE", "AVOID", "EXEC", "DIJKSTRA", "SEED"):
        assert again[name] == first[name]
        assert again.given(name)
    assert again.all("IDMIN") == first.all("IDMIN")
    assert not again.given("CONNECT")


words = st.sampled_from(["STEPS", "TEMPERATURE", "AVOID", "IDMIN", "TITLE", "STOP", "POINTS", "#include", "#echo", "#concat"])
marks = st.sampled_from(["+++", "&", "!", "(", "'", ",", "\n", "1", "T"])
junk = st.text(st.characters(codec="utf-8"), max_size=12)


@given(st.lists(st.lists(st.one_of(words, junk, marks))), st.booleans())
def test_any_text_is_read_or_reported(table, lines, dinfo):
    text = "\n".join(" ".join(line) for line in lines)
    settings = parse_text(text, table, style="dinfo" if dinfo else "wales")
    for problem in settings.problems:
        assert problem.startswith("data:")
        assert "\n" not in problem
    settings.echo()


# -- tables -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A: {meaning: x}\nA: {meaning: y}", "declared twice"),
        ("A: {meaning: x}\nB: {meaning: y, aliases: [A]}", "already declared"),
        ("A: {meaning: x, colour: red}", "unknown key 'colour'"),
        ("A: {arguments: []}", "meaning is missing"),
        ("A: {status: known}", "needs a reason"),
        ("A: {status: maybe, meaning: x}", "status must be"),
        ("A: {meaning: x, body: some}", "body must be"),
        ("A: {meaning: x, extra: some}", "extra must be"),
        ("a: {meaning: x}", "capitals"),
        ("A: 3", "expected a mapping"),
        ("A: {meaning: x, arguments: [{name: lambda, type: int}]}", "cannot be the name"),
        ("A: {meaning: x, arguments: [{name: n, type: complex}]}", "unknown type"),
        ("A: {meaning: x, arguments: [{name: n, type: int, default: x}]}", "bad default"),
        ("A: {meaning: x, arguments: [{name: n, type: int, meaning: a, b}]}", "quote texts with commas"),
        ("A: {meaning: x, arguments: [{name: n, type: int}, {name: n, type: int}]}", "same name"),
        ("A: {meaning: x, arguments: [{name: n, type: int, rest: true}, {name: m, type: int}]}", "nothing can follow"),
        ("A: {meaning: x, arguments: [{name: n, type: int, default: 1}, {name: m, type: int}]}", "follows an optional one"),
        ("A: [", "keywords.yaml"),
    ],
)
def test_bad_tables_are_refused(tmp_path, text, message):
    path = tmp_path / "keywords.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        load_table(path)


def test_several_tables(tmp_path, table):
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text("A: {meaning: x, required: true, aliases: [AA]}")
    two.write_text("B: {meaning: y}")
    both = load_table(one, two)
    assert [keyword.name for keyword in both] == ["A", "B"]
    assert "aa" in both
    assert problems("B", both) == ["data: A is missing: x (A)"]
    two.write_text("AA: {meaning: y}")
    with pytest.raises(ValueError, match="AA is already declared in"):
        load_table(one, two)


def test_parsing_imports_nothing_heavy():
    code = (
        "import sys; from common.keywords import load_table, parse_text; import common.cli; "
        "print([m for m in ('numpy', 'scipy', 'difflib', 'argparse', 'dataclasses') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


# -- tables and inputs that exist ---------------------------------------------------------------------------------------

PROGRAMS = {"gmin": "data", "optim": "odata", "pathsample": "pathdata", "disconnect": "dinfo"}
WITH_POTENTIALS = {"gmin", "optim", "pathsample"}


def program_table(program):
    paths = [ROOT / program / "keywords.yaml"]
    if program in WITH_POTENTIALS:
        paths.append(ROOT / "potentials" / "keywords.yaml")
    missing = [path for path in paths if not path.exists()]
    if missing:
        pytest.skip(f"{missing[0]} does not exist")
    return load_table(*paths)


def example_inputs():
    if not EXAMPLES.is_dir():
        return [pytest.param(None, None, marks=pytest.mark.skip(reason="the classic examples are not here"))]
    found = []
    names = {"data": "gmin", "odata": "optim", "odata.connect": "optim", "pathdata": "pathsample", "dinfo": "disconnect"}
    for name, program in names.items():
        for suffix in ("", "_annotated"):
            for path in sorted(EXAMPLES.rglob(name + suffix)):
                if "expected" not in path.parts:
                    found.append(pytest.param(program, path, id=str(path.relative_to(EXAMPLES))))
    return found


@pytest.mark.parametrize(("program", "path"), example_inputs())
def test_classic_inputs_are_accepted(program, path):
    settings = parse_file(path, program_table(program), style="dinfo" if program == "disconnect" else "wales")
    assert [problem for problem in settings.problems if "known but not supported" not in problem] == []
    assert settings.occurrences
    if program == "optim":
        assert settings.given("POINTS")


@pytest.mark.parametrize("program", PROGRAMS)
def test_tables_of_the_programs_load(program):
    assert len(program_table(program)) > 5


def test_a_misspelt_mandatory_keyword_is_one_problem(tmp_path):
    (tmp_path / "table.yaml").write_text(
        "STEPS:\n  meaning: Number of steps.\n  group: Run\n  required: true\n"
        "  arguments:\n    - {name: n, type: int, meaning: steps}\n"
    )
    table = load_table(tmp_path / "table.yaml")
    assert len(parse_text("STPES 10\n", table).problems) == 1
    assert len(parse_text("", table).problems) == 1
