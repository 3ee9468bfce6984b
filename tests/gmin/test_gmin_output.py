"""The lines and files of a run, character by character."""

import re

import pytest
from gmin_inputs import EXAMPLES, LJ13

from gmin.output import acceptance_lines, end_of_run_line, final_quench_line, lowest_minimum_line, quench_line, target_lines
from gmin.run import run

EXPECTED = EXAMPLES / "LJ38_01_gmin/expected"
QU = re.compile(
    r"Qu (?P<quench>[ \d]{10}) E=(?P<energy>.{20}) steps=(?P<steps>[ \d*]{5}) RMS=(?P<rms>.{12}) "
    r"Markov E=(?P<markov>.{20}) t=(?P<time>[ \d.]{11})"
)


@pytest.mark.skipif(not EXPECTED.exists(), reason="needs the reference examples beside the project")
def test_reformats_every_line_of_the_example():
    count = 0
    for line in (EXPECTED / "output").read_text().splitlines():
        m = QU.fullmatch(line)
        if m:
            numbers = [float(m[k]) for k in ("energy", "steps", "rms", "markov", "time")]
            assert quench_line(int(m["quench"]), numbers[0], int(numbers[1]), *numbers[2:]) == line
            count += 1
    assert count == 5001


def test_lines_of_the_example():
    assert quench_line(1, -168.6121576, 107, 0.39064e-2, -167.3731638, 0.0) == (
        "Qu          1 E=    -168.6121576     steps=  107 RMS= 0.39064E-02 Markov E=    -167.3731638     t=        0.0"
    )
    assert acceptance_lines(50, 0.34, 0.4, 0.51, 1.0) == (
        "Acceptance ratio for previous     50 steps=  0.3400  FAC=  1.0500",
        "Steps are now:  STEP=    0.4000  ASTEP=    0.5100 Temperature is now:    1.0000",
    )
    assert target_lines(108, 14890, -173.9284204, -173.9284264)[0] == (
        "saveit> Target hit after             108 quenches           14890 function calls."
    )
    assert end_of_run_line(0.4846, 0.4, 0.51, 1.0) == (
        "Acceptance ratio for run=     0.48460 Step=     0.40000 Angular step factor=     0.51000 T=     1.00000"
    )
    assert final_quench_line(1, -173.9284262, 5, 0.6150277e-3, 12.72) == (
        "Final Quench      1 energy=    -173.9284262     steps=    5 RMS force=  0.6150277E-03 time=       12.72"
    )
    assert lowest_minimum_line(1, -173.9284262) == "Lowest Minimum      1 Energy=     -173.9284262    "


def test_files_of_a_run(lj13, lines_of):
    directory = lj13("TRACKDATA\nMONITOR 50\nNEWRESTART 20\nAVOID 1.0 5 F\n", data=LJ13.replace("STEPS 200", "STEPS 300"))
    lines = lines_of(directory)
    quenches = [QU.fullmatch(line) for line in lines if line.startswith("Qu ")]
    assert all(quenches)
    assert [int(m["quench"]) for m in quenches] == list(range(301))
    energy = (directory / "energy").read_text().splitlines()
    markov = (directory / "markov").read_text().splitlines()
    best = (directory / "best").read_text().splitlines()
    lowest_so_far = float(quenches[0]["energy"])
    for m, a, b, c in zip(quenches[1:], energy, markov, best, strict=True):
        assert re.fullmatch(r"[ \d]{10}[ \-\d]{9}\.\d{10}", a)
        assert len(b) == len(c) == 30
        assert a[:10] == b[:10] == c[:10] == m["quench"]
        assert float(a[10:]) == pytest.approx(float(m["energy"]), abs=1e-7)
        assert b[10:] == m["markov"]
        lowest_so_far = min(lowest_so_far, float(m["energy"]))
        assert float(c[10:]) == lowest_so_far
    assert sum(line.startswith("Acceptance ratio for previous     50 steps=") for line in lines) == 6
    monitor = (directory / "monitor.xyz").read_text().splitlines()
    assert monitor[0] == "          13"
    # the frame of step 300 shows the quench before it
    assert monitor[1] == quenches[299]["energy"]
    assert all(re.fullmatch(r"X[123].{60}", line) for line in monitor[2:])
    assert (directory / "best.xyz").read_text().splitlines()[1] == best[-1][10:]


def test_newrestart_lines(lj13, lines_of):
    lines = lines_of(lj13("NEWRESTART 10\nAVOID 1.0 5 F\n", data=LJ13.replace("STEPS 200", "STEPS 400")))
    patterns = (
        r"newres> Moving current best minimum to position [ \d]{6} in the AVOID list E=.{20}",
        r"newres> Energy has not improved since step [ \d]{8}",
        r"newres> Parallel run      1 has the highest energy .{20}",
        r"newres> Resetting energy to a large value to reject this step \(not reseeding\)",
    )
    starts = [k for k, line in enumerate(lines) if line.startswith("newres> Moving")]
    assert starts
    for k in starts:
        assert lines[k - 1].startswith("Qu ")
        for line, pattern in zip(lines[k : k + 4], patterns):
            assert re.fullmatch(pattern, line)
        # the stretch ends at the first step beyond NEWRESTART's n
        assert int(lines[k - 1][3:13]) - int(lines[k + 1].split()[-1]) == 11


def test_lowest_block(lj13, lines_of):
    directory = lj13()
    lines_of(directory)
    block = (directory / "lowest").read_text().splitlines()[:15]
    assert block[0] == "          13"
    assert re.fullmatch(
        r"Energy of minimum      1=    -44\.32680142     first found at step [ \d]{8} after [ \d]{20} function calls", block[1]
    )
    assert all(re.fullmatch(r"SI (?:[ \-\d]{9}\.\d{10}){3}", line) for line in block[2:])


@pytest.mark.parametrize("torn", [False, True])
def test_restore_after_a_kill_leaves_no_step_twice_in_the_files(lj13, torn):
    # the files may hold steps after the last dump, the last line cut short
    extra = "TRACKDATA\nDUMPINT 100\nPARALLEL 2\nMONITOR 10\n"
    whole, killed = lj13(extra), lj13(extra, data=LJ13.replace("STEPS 200", "STEPS 100"))
    assert run(whole) == 0
    assert run(killed) == 0
    for name in ("energy.1", "markov.1", "best.2"):
        lines = (whole / name).read_text().splitlines(keepends=True)[:150]
        (killed / name).write_text("".join(lines)[: -7 if torn else None])
    (killed / "data").write_text(LJ13 + extra + "RESTORE GMIN.dump\n")
    assert run(killed) == 0
    for name in ("energy.1", "energy.2", "markov.1", "best.1", "best.2", "lowest"):
        assert (killed / name).read_text() == (whole / name).read_text()
    # each walker has its own lowest minimum
    for k in (1, 2):
        best = float((killed / f"best.{k}").read_text().split()[-1])
        assert float((killed / f"best.xyz.{k}").read_text().splitlines()[1]) == pytest.approx(best, abs=1e-6)


def test_the_quench_of_the_start_goes_to_the_database(lj13):
    directory = lj13(data=LJ13.replace("STEPS 200", "STEPS 0"))
    assert run(directory) == 0
    assert "1 minima added to landscape.db" in (directory / "output").read_text()
