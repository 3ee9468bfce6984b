"""disconnect as a user runs it: every keyword, the database, what is chosen when nothing is said, and messages."""

import re
from pathlib import Path

import numpy as np
import pytest
from made_landscapes import funnels, random_network, write_text

from common.keywords import load_table
from common.stationary_points import Minimum, TransitionState
from disconnect.cli import main
from disconnect.options import TABLE

BASE = "MINIMA min.data\nTS ts.data\nFIRST -2.0\nDELTA 0.5\nLEVELS 18\n"
N_FUNNELS, PER_FUNNEL = 3, 12


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Text files of three funnels; tests add dinfo."""
    energies, ts, plus, minus, label = funnels(N_FUNNELS, PER_FUNNEL, 2)
    write_text(tmp_path, energies, ts, plus, minus)
    for k in range(N_FUNNELS):
        np.savetxt(tmp_path / f"set{k + 1}.txt", np.flatnonzero(label == k) + 1, fmt="%d")
    fraction = np.linspace(0.0, 1.0, energies.size)
    np.savetxt(tmp_path / "order.txt", fraction)
    np.savetxt(tmp_path / "kind.csv", label, header="funnel", comments="")
    np.savetxt(
        tmp_path / "table.csv",
        np.column_stack([np.arange(3, 9), fraction[:6]]),
        fmt="%d,%.6f",
        header="number,auc",
        comments="",
    )
    np.savetxt(tmp_path / "pick.txt", [-1, 5], fmt="%d")
    bins = np.linspace(-12.0, -1.0, 23)
    np.savetxt(tmp_path / "weights.txt", np.column_stack([np.arange(22), bins[:-1], bins[1:], np.exp(np.arange(22))]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def draw(text, *options):
    """Run with this dinfo; returns the exit status."""
    Path("dinfo").write_text(text)
    return main(list(options))


def lines_of(path="tree.ps"):
    """Line segments of a tree.ps below the axis as an array (n, 4)."""
    text = Path(path).read_text().split("% Level:", 1)[-1]
    found = re.findall(r"^ *(-?\d+\.\d+) *(-?\d+\.\d+) mt *(-?\d+\.\d+) *(-?\d+\.\d+) ls *$", text, re.MULTILINE)
    return np.array(found, dtype=float).reshape(-1, 4)


def colours_of(path="tree.ps"):
    """Distinct colour commands of a tree.ps."""
    return set(re.findall(r"^(.*) setrgbcolor$", Path(path).read_text(), re.MULTILINE)) - {"           H1 S1 B1"}


def drawn_minima(level=18):
    """Minima in node_numbers, by level."""
    text = Path("node_numbers").read_text().split(f"LEVEL {level:3d}\n")[1].split("LEVEL")[0]
    return sorted(int(word) for word in re.findall(r"^ {1,7}(\d+)$", text, re.MULTILINE))


def all_drawn():
    """Minima in node_numbers at any level."""
    return set(map(int, re.findall(r"^ {1,7}(\d+)$", Path("node_numbers").read_text(), re.MULTILINE)))


# ------------------------------------------------------------------------------------------------------- every keyword


def nodes_at_levels(log):
    return [int(count) for count in re.findall(r"Nodes remaining at level +\d+: +(\d+)", log)]


class TestKeywords:
    """One test or more for each keyword; `test_every_keyword_is_tested` sees to it that none is forgotten."""

    def log(self, capsys, extra, base=BASE):
        assert draw(base + extra) == 0
        return capsys.readouterr().out

    def test_minima_ts_first_delta_levels(self, folder, capsys):
        log = self.log(capsys, "")
        assert "36 minima read in from min.data." in log
        assert len(nodes_at_levels(log)) == 18
        assert re.search(r"energy +-2\.0000000000\n", log)
        assert re.search(r"energy +-10\.5000000000\n", log)

    def test_database_keyword(self, folder, capsys):
        make_database("other.db")
        log = self.log(capsys, "", "DATABASE other.db\nFIRST -2.0\nDELTA 0.5\nLEVELS 18\n")
        assert "36 minima read in from other.db." in log
        by_text = self.log(capsys, "")
        assert nodes_at_levels(by_text) == nodes_at_levels(log)

    def test_compare(self, folder, capsys):
        make_database("one.db", prop="auc_test")
        energies, ts, plus, minus, _ = funnels(1, 12, 9)
        write_text(folder, energies, ts, plus, minus)
        make_database("two.db", prop="auc_test")
        text = "COMPARE one.db three funnels\nCOMPARE two.db one funnel\nCOLOURBY auc_test\nOUTPUT both.svg both.png\n"
        assert draw(text) == 0
        log = capsys.readouterr().out
        assert "36 minima and     35 non-degenerate paths of three funnels." in log
        assert Path("both.svg").stat().st_size > 5000
        assert draw(text + "LOWEST 3\n") == 2
        assert "dinfo:5: LOWEST 3: it has no meaning beside COMPARE" in capsys.readouterr().err

    def test_temperature(self, folder, capsys):
        log = self.log(capsys, "TEMPERATURE 0.5\nOUTPUT tree.ps tree.svg\n", "MINIMA min.data\nTS ts.data\n")
        # Equal vibrations everywhere: the minima keep their distances, the passages rise by T ln 2 pi.
        energies, states = np.loadtxt("min.data")[:, 0], np.loadtxt("ts.data")
        highest = float(re.search(r"Highest and lowest transition states: +(\S+)", log).group(1))
        assert highest == pytest.approx(states[:, 0].max() - energies.min() + 0.5 * np.log(2.0 * np.pi), abs=1e-9)

    def test_autorange(self, folder, capsys):
        log = self.log(capsys, "AUTORANGE\n", BASE.replace("FIRST -2.0", "FIRST 7.0"))
        assert "Highest level: -2" in log

    def test_nosplit(self, folder, capsys):
        plain = nodes_at_levels(self.log(capsys, ""))
        grouped = nodes_at_levels(self.log(capsys, "NOSPLIT\n"))
        assert sum(grouped) < sum(plain)

    def test_nobarriers(self, folder, capsys):
        log = self.log(capsys, "NOBARRIERS\n")
        assert "Resetting transition state energies" in log
        assert nodes_at_levels(log)[0] == 1
        # Every funnel is one monotonic sequence after another: only the levels at its own end are left.
        assert max(nodes_at_levels(log)) < max(nodes_at_levels(self.log(capsys, "")))

    def test_maxtsenergy_and_its_other_name(self, folder, capsys):
        for keyword in ("MAXTSENERGY", "TSTHRESH"):
            log = self.log(capsys, f"{keyword} -3.5\n")
            assert "disconnected=      24" in log
        assert len(Path("disconnected").read_text().splitlines()) == 24

    def test_maxtsbarrier(self, folder, capsys):
        log = self.log(capsys, "MAXTSBARRIER 3.0\n")
        assert "disconnected=      24" in log

    def test_nconnmin(self, folder, capsys):
        energies, ts, plus, minus = random_network(30, 40, 1)
        write_text(folder, energies, ts, plus, minus)
        degree = np.bincount(np.concatenate([plus, minus])[np.tile(plus != minus, 2)], minlength=31)
        log = self.log(capsys, "NCONNMIN 1\nDUMPNUMBERS\n", BASE.replace("FIRST -2.0", "FIRST 8.0").replace("18", "40"))
        few = int(re.search(r"(\d+) minima with +1 connections", log).group(1))
        assert few >= (degree[1:] <= 1).sum()
        assert not all_drawn() & set(np.flatnonzero(degree <= 1).tolist())

    def test_negative_nconnmin_keeps_all_pieces(self, folder, capsys):
        log = self.log(capsys, "MAXTSENERGY -3.5\nNCONNMIN -1\nDUMPNUMBERS\n")
        assert len(all_drawn()) == 36
        assert nodes_at_levels(log)[0] == 3

    def test_connectmin(self, folder, capsys):
        self.log(capsys, "MAXTSENERGY -3.5\nCONNECTMIN 20\nDUMPNUMBERS\n")
        assert all_drawn() == set(range(13, 25))

    def test_lowest(self, folder, capsys):
        self.log(capsys, "LOWEST 7\nDUMPNUMBERS\n")
        energies = np.loadtxt("min.data")[:, 0]
        assert all_drawn() == set((np.argsort(energies)[:7] + 1).tolist())

    def test_monotonic(self, folder, capsys):
        self.log(capsys, "MONOTONIC\nDUMPNUMBERS\n")
        energies = np.loadtxt("min.data")[:, 0]
        plus, minus = np.loadtxt("ts.data")[:, 3:5].T.astype(int)
        bottoms = {
            k
            for k in range(1, 37)
            if all(energies[k - 1] < energies[o - 1] for o in [*minus[plus == k], *plus[minus == k]] if o != k)
        }
        assert all_drawn() == bottoms

    def test_excludeall_pick_idmin(self, folder, capsys):
        self.log(capsys, "EXCLUDEALL\nPICK pick.txt\nIDMIN 9\nIDMIN 30\nDUMPNUMBERS\n")
        assert all_drawn() == {5, 9, 30}
        assert "(9) show" in Path("tree.ps").read_text()
        assert "(30) show" in Path("tree.ps").read_text()

    def test_pick_alone_removes(self, folder, capsys):
        self.log(capsys, "PICK pick.txt\nDUMPNUMBERS\n")
        assert all_drawn() == set(range(2, 37))

    def test_centregmin(self, folder, capsys):
        self.log(capsys, "")
        plain = lines_of()
        self.log(capsys, "CENTREGMIN\n")
        assert lines_of().shape == plain.shape
        assert np.abs(lines_of() - plain).max() > 1.0

    def test_weights(self, folder, capsys):
        plain = self.log(capsys, "")
        before = lines_of()
        log = self.log(capsys, "WEIGHTS weights.txt\n")
        assert "Calculated weights:" in log
        assert nodes_at_levels(log) == nodes_at_levels(plain)
        after = lines_of()
        width = [np.ptp(lines[lines[:, 1] < 400][:, 0]) for lines in (before, after)]
        assert width[1] < width[0]

    def test_metric_and_setaxis(self, folder, capsys):
        self.log(capsys, "METRIC 36 order.txt\n")
        lines = lines_of()
        # The end of each branch stands at the order parameter of its minimum: the lowest one's is 0.
        assert lines[lines[:, 3].argmin()][2] == pytest.approx(80.0, abs=0.01)
        self.log(capsys, "METRIC 36 order.txt\nSETAXIS 0.25 0.5\nDUMPNUMBERS\n")
        values = np.loadtxt("order.txt")
        assert all_drawn() == set((np.flatnonzero((values >= 0.25) & (values <= 0.5)) + 1).tolist())

    def test_colourby_file_and_map(self, folder, capsys):
        self.log(capsys, "COLOURBY order.txt viridis\nCOLOURRULE LOWEST\nCOLOURLABEL fraction found\n")
        assert "0.2670 0.0049 0.3294" in colours_of()
        assert len(colours_of()) > 10

    def test_colourby_table_leaves_others_black(self, folder, capsys):
        self.log(capsys, "COLOURBY table.csv\nCOLOURRULE NONE\n")
        assert 1 < len(colours_of()) <= 7

    def test_colourrange(self, folder, capsys):
        self.log(capsys, "COLOURBY order.txt\nCOLOURRANGE 2.0 3.0\n")
        # All values lie below the range.
        assert colours_of() == {"0 0 0", "0.2670 0.0049 0.3294"}

    @pytest.mark.parametrize(("rule", "value"), [("MAX", 1.0), ("MIN", 0.0), ("MEAN", 0.5), ("LOWEST", 0.0)])
    def test_colourrule(self, folder, capsys, rule, value):
        self.log(capsys, f"COLOURBY order.txt gray\nCOLOURRULE {rule}\nNOSPLIT\n", BASE.replace("FIRST -2.0", "FIRST 4.0"))
        first = re.search(r"^(.*) setrgbcolor$", Path("tree.ps").read_text().split("% Level:")[1], re.MULTILINE).group(1)
        assert float(first.split()[0]) == pytest.approx(value, abs=0.01)

    def test_categories(self, folder, capsys):
        self.log(capsys, "COLOURBY kind.csv\nCATEGORIES left middle right\nOUTPUT tree.ps tree.svg\n")
        assert len(colours_of()) == 4
        assert Path("tree.svg").stat().st_size > 1000

    def test_widthby(self, folder, capsys):
        self.log(capsys, "WIDTHBY order.txt 0.2 3.0\nOUTPUT tree.svg\n")
        widths = set(re.findall(r"stroke-width: ([\d.]+)", Path("tree.svg").read_text()))
        assert {"0.2", "3"} <= widths

    def test_trmin_choosecolours_colourprint(self, folder, capsys):
        for word in ("COLOURPRINT", "COLOUROUTPUT"):
            self.log(capsys, f"TRMIN 3 36 set1.txt set2.txt set3.txt\n{word}\n")
            assert colours_of() == {"0 0 0", "1 0 0", "0 1 0", "0 0 1"}
            sections = Path("node_sections").read_text()
            assert sections.startswith("\nLEVEL   1\n=========\n")
            assert set(re.findall(r"--> Colour +(\d+)", sections)) == {"1", "2", "3"}
        self.log(capsys, "TRMIN 3 36 set1.txt set2.txt set3.txt\nCHOOSECOLOURS\n")
        assert colours_of() == {"0 0 0", "0.6706 0.8549 0.8824", "0.8824 0.7843 0.3412", "0.3451 0.2078 0.3682"}

    def test_trmin_node_needs_all_its_minima(self, folder, capsys):
        self.log(capsys, "TRMIN 1 36 set1.txt\n")
        black = Path("tree.ps").read_text().count("\n1 0 0 setrgbcolor")
        assert 0 < black < len(lines_of())

    def test_trval_and_its_scale(self, folder, capsys):
        self.log(capsys, "TRVAL 36 order.txt\nTRVALSCALE\n")
        text = Path("tree.ps").read_text()
        assert "0 0 1 setrgbcolor" in text
        assert "(Order Parameter) show" in text
        self.log(capsys, "TRVAL 36 order.txt 0.5 T\nTRVALSCALE 100.0 60.0\n")
        text = Path("tree.ps").read_text()
        assert " 100.00000  60.00000 translate" in text
        assert "(    2.00 ) show" in text

    def test_trval_missing_value_blackens(self, folder, capsys):
        np.savetxt("order.txt", np.where(np.arange(36) == 4, -1.0, 0.5))
        self.log(capsys, "TRVAL 36 order.txt\n")
        assert colours_of() == {"0 0 0", "0 0.5000 0"}

    def test_identify_and_labelsize(self, folder, capsys):
        self.log(capsys, "IDENTIFY\nLABELSIZE 5\n")
        text = Path("tree.ps").read_text()
        assert "/Times-Roman findfont  5 scalefont setfont" in text
        assert len(re.findall(r"^ *[\d.]+ *[\d.]+ mt \(\d+\) show$", text, re.MULTILINE)) == 36

    def test_identify_node(self, folder, capsys):
        self.log(capsys, "IDENTIFY_NODE 11\n")
        assert re.search(r"mt \(\d+_1\) show", Path("tree.ps").read_text())

    def test_identify_node_size(self, folder, capsys):
        self.log(capsys, "IDENTIFY_NODE_SIZE 11\n")
        assert "mt (12) show" in Path("tree.ps").read_text()

    def test_labelformat(self, folder, capsys):
        self.log(capsys, "LABELFORMAT F12.4\n")
        assert "(     -2.0000) show" in Path("tree.ps").read_text()
        self.log(capsys, "LABELFORMAT E12.4\n")
        assert "( -0.2000E+01) show" in Path("tree.ps").read_text()

    def test_axislabel(self, folder, capsys):
        self.log(capsys, "AXISLABEL training loss\nOUTPUT tree.png tree.svg\n")
        assert Path("tree.svg").exists()

    def test_inset(self, folder, capsys):
        import matplotlib.image

        make_database()
        matplotlib.image.imsave("photo.png", np.zeros((20, 20, 3)))
        assert draw("OUTPUT tree.svg\n") == 0
        plain = Path("tree.svg").read_text()
        assert draw("INSET 1\nINSET 20 photo.png\nOUTPUT tree.svg tree.pdf\n", "--inset", "13") == 0
        text = Path("tree.svg").read_text()
        assert text.count("<image") == plain.count("<image") + 1
        assert text.count('<g id="axes_') == plain.count('<g id="axes_') + 3
        capsys.readouterr()
        for line, message in (
            ("INSET 99", "INSET 99: landscape.db has minima 1 to 36"),
            ("INSET 3 nothing.png", "INSET 3 nothing.png: there is no such file"),
            ("INSET 3 dinfo", "INSET 3 dinfo: the kind of image is not known"),
        ):
            assert draw(line + "\n") == 2
            assert message in capsys.readouterr().err
        before = set(folder.iterdir())
        assert draw(f"LOWEST 3\nINSET {np.argmax(np.loadtxt('min.data')[:, 0]) + 1}\nOUTPUT new.ps new.svg\n") == 2
        assert "this minimum is not in the graph" in capsys.readouterr().err
        assert set(folder.iterdir()) == before
        assert draw("", "--inset", "one") == 2
        assert "--inset one: expected the number of a minimum" in capsys.readouterr().err
        assert draw(BASE + "INSET 3\nOUTPUT tree.png\n") == 2
        assert "INSET 3: min.data has no coordinates to draw" in capsys.readouterr().err

    def test_scalebar(self, folder, capsys):
        self.log(capsys, "")
        plain = lines_of()
        self.log(capsys, "SCALEBAR 2.0\n")
        text = Path("tree.ps").read_text()
        assert "% Level:  2 to  3" in text
        assert "% Level:  1 to  2" not in text
        assert lines_of()[0][1] == 792.0
        assert len(lines_of()) == len(plain) - (plain[:, 1] == 792.0).sum()

    def test_epsilon(self, folder, capsys):
        self.log(capsys, "EPSILON\n")
        assert "/Symbol findfont 16 scalefont setfont" in Path("tree.ps").read_text()

    @pytest.mark.parametrize(
        ("word", "box"),
        [("LETTER", "  612  792"), ("A5", "  420  595"), ("LANDSCAPE", "  842  595"), ("HALFPAGE", "  595  421")],
    )
    def test_page(self, folder, capsys, word, box):
        self.log(capsys, word + "\n")
        assert f"%%BoundingBox: 0 0 {box}\n" in Path("tree.ps").read_text()
        height = int(box.split()[1])
        assert lines_of()[0][1] == height - 50

    def test_output(self, folder, capsys):
        self.log(capsys, "OUTPUT one.ps two.pdf\nOUTPUT three.png four.svg\n")
        assert Path("one.ps").read_bytes()[:2] == b"%!"
        assert Path("two.pdf").read_bytes()[:4] == b"%PDF"
        assert Path("three.png").read_bytes()[1:4] == b"PNG"
        assert b"<svg" in Path("four.svg").read_bytes()
        assert not Path("tree.ps").exists()

    def test_dumpnumbers_dumpsizes(self, folder, capsys):
        log = self.log(capsys, "DUMPNUMBERS\nDUMPSIZES\n")
        numbers = Path("node_numbers").read_text()
        assert numbers.startswith("\nLEVEL   1\n=========\n\nNode        1\n       1\n       2\n")
        counts = [len(re.findall("Node ", part)) for part in numbers.split("LEVEL")[1:]]
        assert counts == nodes_at_levels(log)
        sizes = Path("node_sizes").read_text()
        assert sizes.startswith("Level:  1 energy        -2.0000000000\n    1:     36\n\nLevel:  2 energy")
        assert [len(re.findall(r"^ *\d+: ", part, re.MULTILINE)) for part in sizes.split("Level:")[1:]] == counts


def test_free_energies_reproduce_rates():
    from disconnect.network import free_energies

    rng = np.random.default_rng(0)
    minima = (rng.normal(size=5), 10.0 * rng.random(5), rng.integers(1, 4, 5).astype(float))
    plus, minus = np.array([1, 2, 2, 3, 1, 4, 4]), np.array([2, 1, 3, 4, 5, 4, 5])
    states = (3.0 + rng.random(7), 10.0 * rng.random(7), rng.integers(1, 3, 7).astype(float), plus, minus)
    temperature = 0.3
    free, ts_free, first, second = free_energies(minima, states, temperature)
    assert first.tolist() == [1, 2, 3, 1, 4]
    assert free.min() == 0.0
    for pair in range(5):
        between = [k for k in range(7) if {plus[k], minus[k]} == {first[pair], second[pair]} and plus[k] != minus[k]]
        for i in (first[pair] - 1, second[pair] - 1):
            rate = sum(
                minima[2][i] / (2.0 * np.pi * states[2][k])
                * np.exp(0.5 * (minima[1][i] - states[1][k]) - (states[0][k] - minima[0][i]) / temperature)
                for k in between
            )  # fmt: skip
            assert np.exp(-(ts_free[pair] - free[i]) / temperature) == pytest.approx(rate, rel=1e-10)


def test_every_keyword_is_tested():
    source = Path(__file__).read_text()
    untested = [keyword.name for keyword in load_table(TABLE) if not re.search(rf"(\b|\\n){keyword.name}\b", source)]
    assert untested == []


# ------------------------------------------------------------------------------------------------------------ database


def make_database(path="landscape.db", prop=None):
    """A database with the stationary points of min.data and ts.data."""
    from common.database import Database

    minima, states = np.loadtxt("min.data"), np.loadtxt("ts.data")
    with Database(path, n_variables=1) as database:
        database.add_minima([Minimum(e, np.array([float(k)])) for k, e in enumerate(minima[:, 0])], distinct=True)
        database.add_transition_states(
            [
                TransitionState(row[0], np.array([0.5 + k]), plus=int(row[3]), minus=int(row[4]), negative_eigenvalue=-1.0)
                for k, row in enumerate(states)
            ]
        )
        if prop:
            database.set_property(prop, np.arange(1, minima.shape[0] + 1), np.linspace(0.5, 1.0, minima.shape[0]))


def test_database_without_dinfo(folder, capsys):
    make_database(prop="auc_test")
    assert main([]) == 0
    log = capsys.readouterr().out
    assert "36 minima read in from landscape.db." in log
    assert "Levels chosen:" in log
    assert Path("tree.pdf").exists()
    assert Path("tree.png").exists()


def test_colour_by_property_on_the_command_line(folder, capsys):
    from matplotlib.image import imread

    make_database(prop="auc_test")
    assert main(["-o", "tree.png", "-o", "tree.svg", "--colour", "auc_test", "--map", "plasma", "--label", "loss"]) == 0
    picture = imread("tree.png")[..., :3]
    dark = (picture.min(axis=2) < 0.9).mean()
    coloured = (np.ptp(picture, axis=2) > 0.2).mean()
    assert 0.01 < dark < 0.5
    assert coloured > 0.005


def test_unknown_property(folder, capsys):
    make_database(prop="auc_test")
    assert main(["-o", "tree.png", "--colour", "auc"]) == 2
    assert "landscape.db: no property 'auc' is stored for its minima; known are: energy, auc_test" in capsys.readouterr().err
    assert not Path("tree.png").exists()


def test_unknown_map(folder, capsys):
    assert draw(BASE, "--colour", "order.txt", "--map", "virids") == 2
    assert "there is no colour map 'virids'; did you mean viridis?" in capsys.readouterr().err


def test_same_input_same_bytes(folder, capsys):
    names = ["a.pdf", "a.png", "a.svg", "a.ps"]
    options = [word for name in names for word in ("-o", name)]
    assert draw(BASE, *options, "--colour", "order.txt") == 0
    before = [Path(name).read_bytes() for name in names]
    assert draw(BASE, *options, "--colour", "order.txt") == 0
    assert [Path(name).read_bytes() for name in names] == before


def test_fonts_are_embedded(folder, capsys):
    assert draw(BASE, "-o", "tree.pdf") == 0
    data = Path("tree.pdf").read_bytes()
    assert b"/FontFile2" in data
    assert b"/Type3" not in data


# ------------------------------------------------------------------------------------------------------------ messages


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BASE + "DELTTA 0.1\n", "dinfo:6: DELTTA 0.1: unknown keyword; did you mean DELTA?"),
        (BASE.replace("LEVELS 18\n", ""), "Number of levels must be specified using LEVELS"),
        (BASE.replace("DELTA 0.5\n", ""), "Energy gap must be specified using DELTA"),
        (BASE.replace("DELTA 0.5", "DELTA 0.x5"), "dinfo:4:"),
        (BASE.replace("DELTA 0.5", "DELTA"), "dinfo:4: DELTA: missing argument"),
        (BASE.replace("min.data", "min.dat"), "min.dat: cannot be read: No such file or directory"),
        (BASE.replace("MINIMA min.data\n", ""), "dinfo:1: TS ts.data: MINIMA is missing"),
        (BASE.replace("FIRST -2.0", "FIRST -20.0"), "raise FIRST"),
        (BASE + "MAXTSENERGY -50.0\n", "none of the 36 minima has more than 0 connections"),
        (BASE + "EXCLUDEALL\n", "no minimum is left to draw"),
        (BASE + "IDMIN 37\n", "dinfo:6: IDMIN 37: there are 36 minima"),
        (BASE + "CONNECTMIN 37\n", "CONNECTMIN 37: min.data has minima 1 to 36"),
        (BASE + "TRMIN 2 36 set1.txt\n", "2 sets are announced, 1 files are named"),
        (BASE + "TRVAL 20 order.txt\n", "20 values are announced for 36 minima"),
        (BASE + "LABELFORMAT X8\n", "'X8' is no Fortran format"),
        (BASE + "OUTPUT tree.gif\n", "tree.gif: the kind of picture is not known"),
        (BASE + "COLOURBY energies\n", "a text file has no property 'energies'"),
    ],
)
def test_bad_input(folder, capsys, text, message):
    before = set(folder.iterdir()) | {folder / "dinfo"}
    assert draw(text) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
    assert set(folder.iterdir()) == before


def test_damaged_files(folder, capsys):
    good = Path("ts.data").read_text()
    Path("ts.data").write_text(good.replace("         2         1", "         2        99", 1))
    assert draw(BASE) == 2
    assert "connects minima" in capsys.readouterr().err
    lines = good.splitlines()
    Path("ts.data").write_text("\n".join([*lines[:4], lines[4][:40], *lines[5:]]) + "\n")
    assert draw(BASE) == 2
    assert "ts.data:5: 2 columns" in capsys.readouterr().err
    Path("ts.data").write_text(good)
    Path("min.data").write_text("-1.0x 1 1\n")
    assert draw(BASE) == 2
    assert "min.data:1: '-1.0x' in column 1 is not a number" in capsys.readouterr().err


def test_fortran_exponents(folder, capsys):
    Path("min.data").write_text("-1.0D+01 0 1\n-8.D0 0 1\n")
    Path("ts.data").write_text("-0.5D1 0 1 1 2\n")
    assert draw(BASE) == 0


def test_keywords_that_the_original_accepts_without_effect(folder, capsys):
    assert draw(BASE) == 0
    plain = lines_of()
    text = BASE + "CHOOSECOLOURS\nSETAXIS 0 1\nCOLOURPRINT\nTRVALSCALE ! a remark\n"
    capsys.readouterr()
    assert draw(text) == 0
    log = capsys.readouterr().out
    for line, word, needed in ((6, "CHOOSECOLOURS", "TRMIN"), (7, "SETAXIS", "METRIC"), (8, "COLOURPRINT", "TRMIN")):
        assert f"Note: dinfo:{line}: {word} has no effect without {needed}" in log
    assert np.array_equal(lines_of(), plain)
    assert draw(BASE + "TRMIN 1 36 set1.txt\nTRVAL 36 order.txt\nPICK pick.txt\n") == 0
    assert "TRVAL has no effect" in capsys.readouterr().out
    assert colours_of() == {"0 0 0", "1 0 0"}
    Path("pick.txt").write_text("99\n-1 the first, 5\n")
    assert draw(BASE + "PICK pick.txt\nDUMPNUMBERS\n") == 0
    assert "WARNING: Ignoring       99 in pick.txt; minima numbers: 1 to     36" in capsys.readouterr().out
    assert all_drawn() == set(range(2, 37))


def test_blank_lines_and_more_columns_in_data(folder, capsys):
    assert draw(BASE + "TRVAL 36 order.txt\n") == 0
    plain = Path("tree.ps").read_text()
    Path("min.data").write_text(Path("min.data").read_text().replace("\n", "\r\n\r\n"))
    values = np.loadtxt("order.txt")
    Path("order.txt").write_text("".join(f"{v:.18e}, {k} word\n" for k, v in enumerate([*values, 7.0])))
    assert draw(BASE + "TRVAL 40 order.txt\n") == 0
    assert Path("tree.ps").read_text() == plain


def test_small_networks(folder, capsys):
    Path("min.data").write_text("-5.0 0 1\n")
    Path("ts.data").write_text("")
    assert draw(BASE, "-o", "tree.ps", "-o", "tree.png") == 0
    assert len(lines_of()) > 0
    Path("min.data").write_text("-5.0 0 1\n-4.0 0 1\n")
    assert draw(BASE) == 2
    assert "no transition state connects two of the 2 minima; connect them with pathsample first" in capsys.readouterr().err
    Path("min.data").write_text("")
    assert draw(BASE) == 2
    assert "min.data: there are no minima" in capsys.readouterr().err
    assert main(["--database", "nothing.db"]) == 2
    assert "nothing.db: there is no such database" in capsys.readouterr().err


def test_isolated_lowest_minimum(folder, capsys):
    with open("min.data", "a") as file:
        file.write("-50.0 0 1\n")
    assert draw(BASE + "DUMPNUMBERS\n") == 0
    assert "The lowest minimum, 37, has too few connections" in capsys.readouterr().out
    assert all_drawn() == set(range(1, 37))


def test_check_writes_nothing(folder, capsys):
    before = set(folder.iterdir()) | {folder / "dinfo"}
    assert draw(BASE, "--check") == 0
    assert set(folder.iterdir()) == before


def test_axes_for_figures(folder):
    import matplotlib

    matplotlib.use("Agg")
    from disconnect.figure import disconnectivity_graph

    make_database(prop="auc_test")
    axes = disconnectivity_graph("landscape.db", colour="auc_test", width="energy", insets=[1, 20])
    assert len(axes.child_axes) == 2
    assert axes.get_ylabel() == "energy"
    assert len(axes.artists) > 0 or len(axes.patches) > 0
    low, high = axes.get_ylim()
    assert low < np.loadtxt("min.data")[:, 0].min() < high
