"""Every keyword changes what its table says: settings one by one, then whole runs of the program."""

import numpy as np
import pytest

from common.formats import coordinates, min_data_info
from common.keywords import load_table, parse_text
from common.lbfgs import minimise
from optim.job import table_paths
from optim.keyword_settings import settings_from_keywords
from optim.run import run
from optim.settings import OptimSettings
from potentials.lj import LennardJones

TABLE = load_table(*table_paths())

#: line -> settings that it must give
SETTINGS = {
    "BFGSMIN 1D-7": {"rms": 1e-7, "ts_rms": 1e-7},
    "BFGSCONV 1D-8": {"rms": 1e-8},
    "BFGSSTEPS 77": {"max_iterations": 77},
    "MAXBFGS 0.05 0.06 0.07 0.08": {"max_step": 0.05, "ritz_max_step": 0.06, "band_max_step": 0.08, "path_max_step": 0.05},
    "UPDATES 11 12 13 14": {"history": 11, "ritz_history": 12, "band_history": 14},
    "DGUESS 0.3 0.02 0.004": {"diagonal": 0.3, "ritz_diagonal": 0.02, "band_diagonal": 0.004},
    "MAXERISE 1D-5 0.5": {"max_rise": 1e-5, "ritz_max_rise": 0.5},
    "NOHESS": {"hessian": False},
    "NOIT": {"hessian": True},
    "CONVERGE 1.0 1D-9": {"ts_rms": 1e-9},
    "BFGSTS 41 3 29 0.002": {"ritz_iterations": 41, "tangent_few": 3, "tangent_many": 29, "ritz_rms": 0.002},
    "BFGSTSTOL 0.003": {"overlap_tolerance": 0.003},
    "STEPS 123": {"ts_iterations": 123},
    "MAXSTEP 0.11": {"ef_max_step": 0.11},
    "MAXMAX 0.22": {"ef_step_ceiling": 0.22},
    "MINMAX 0.003": {"ef_step_floor": 0.003},
    "TRAD 0.7": {"ef_trust": 0.7},
    "USEDIAG 2": {"central_differences": True},
    "USEDIAG 3": {"central_differences": False},
    "MAXTSENERGY -3.0": {"max_ts_energy": -3.0},
    "MAXBARRIER 2.5": {"max_barrier": 2.5},
    "MAXMAXBARRIER 3.5": {"max_larger_barrier": 3.5},
    "NEBRESEED 50 -20.0 30.0": {"reseed_every": 50, "reseed_energy": -20.0, "reseed_rise": 30.0},
    "PUSHOFF 0.07": {"pushoff": 0.07},
    "PUSHOPT 0.3 0.001 50": {"pushopt": True, "pushoff": 0.3, "pushopt_tolerance": 0.001, "pushopt_iterations": 50},
    "REDOTS 4": {"path_retries": 4},
    "PMPATH": {"path_method": "pagemciver"},
    "BSMIN 1D-5 1D-6": {"path_method": "ode", "ode_rms": 1e-5, "ode_accuracy": 1e-6},
    "NEWCONNECT 9 2 3.0 4.0 11 0.6 0.01": {
        "cycles": 9, "tries": 2, "image_density": 3.0, "iteration_density": 4.0, "image_max": 11, "image_increment": 0.6,
        "band_rms": 0.01,
    },
    "NEWNEB 13 140 0.03": {"first_images": 13, "first_iterations": 140, "first_rms": 0.03},
    "NEBK 7.5": {"spring": 7.5},
    "ADJUSTK 6 12.0 1.2 0.01 900": {
        "adjust_every": 6, "adjust_tolerance": 12.0, "adjust_factor": 1.2, "spring_min": 0.01, "spring_max": 900.0,
    },
    "NEBSETTLE 0.02": {"band_settled": 0.02},
    "LBFGSPATH": {"path_method": "lbfgs"},
    "NONUDGE": {"doubly_nudged": False},
    "NONEBMIND": {"align": False},
    "RANROT 9": {"orientations": 9},
    "DIJKSTRA EXP": {"dijkstra": "exp"},
    "DIJKSTRA INDEX 2": {"dijkstra": "index", "dijkstra_power": 2.0},
    "DIJKSTRA 3": {"dijkstra": "distance", "dijkstra_power": 3.0},
    "EDIFFTOL 1D-5": {"energy_tolerance": 1e-5},
    "GEOMDIFFTOL 0.3": {"distance_tolerance": 0.3},
    "PATH 25": {"frames": 25},
}  # fmt: skip


@pytest.mark.parametrize("line", SETTINGS)
def test_keyword_sets_what_it_says(line):
    keywords = parse_text(line + "\n", TABLE)
    settings = settings_from_keywords(keywords, LennardJones(7))
    assert not keywords.problems
    plain = settings_from_keywords(parse_text("", TABLE), LennardJones(7))
    for name, value in SETTINGS[line].items():
        assert getattr(settings, name) == value
    named = set(SETTINGS[line]) | {"ts_rms", "path_max_step", "image_min", "path_method"}
    for name in OptimSettings.__slots__:
        if name not in named:
            assert getattr(settings, name) == getattr(plain, name), f"{line} changes {name} too"


@pytest.mark.parametrize(
    ("text", "message"),
    [("NOHESS\nNOIT\n", "contradicts NOHESS"), ("PMPATH\nBSMIN\n", "contradicts PMPATH"), ("DIJKSTRA -1\n", "at least 1")],
)
def test_contradictions_are_problems(text, message):
    keywords = parse_text(text, TABLE)
    settings_from_keywords(keywords, LennardJones(7))
    assert any(message in problem for problem in keywords.problems)


#: Two minima of the four-atom cluster: the tetrahedron a little out of shape, and random points.
START = np.array([0, 0, 0, 1.1, 0, 0, 0.5, 0.95, 0, 0.5, 0.3, 0.9])


def write_input(directory, text, x=START, suffix=""):
    lines = "".join(f"LJ {a:.10f} {b:.10f} {c:.10f}\n" for a, b, c in np.reshape(x, (-1, 3)))
    (directory / f"odata{suffix}").write_text(f"{text}\nPOINTS\n{lines}")


def test_minimisation_with_its_output_files(tmp_path, capsys):
    write_input(tmp_path, "BFGSMIN 1D-9\nDUMPDATA\nENDHESS 6\nCHECKINDEX\nUPDATES 6")
    assert run(tmp_path) == 0
    (minimum,) = min_data_info.read(tmp_path / "min.data.info", 12)
    assert minimum.energy == pytest.approx(-6.0, abs=1e-9)
    eigenvalues = np.linalg.eigvalsh(LennardJones(4).hessian(minimum.coordinates))
    assert minimum.log_product == pytest.approx(np.log(eigenvalues[6:]).sum(), rel=1e-6)
    printed = capsys.readouterr().out.split("Hessian eigenvalues:\n")[1].split()[:6]
    np.testing.assert_allclose([float(v) for v in printed], eigenvalues[:6], atol=1e-6)


def test_numerical_end_hessian_agrees_with_the_analytic_one(tmp_path, capsys):
    printed = {}
    for keyword in ("ENDHESS", "ENDNUMHESS"):
        write_input(tmp_path, f"BFGSMIN 1D-9\n{keyword}")
        assert run(tmp_path) == 0
        lines = capsys.readouterr().out.split("Hessian eigenvalues:\n")[1].splitlines()[:4]
        printed[keyword] = [float(v) for v in " ".join(lines).split()]
    assert len(printed["ENDHESS"]) == 12
    np.testing.assert_allclose(printed["ENDHESS"], printed["ENDNUMHESS"], atol=1e-4)


def test_multijob_repeats_the_job_for_every_block(tmp_path, capsys):
    rng = np.random.default_rng(1)
    blocks = [START + rng.normal(0, 0.03, 12) for _ in range(3)]
    (tmp_path / "starts").write_text("".join(f"{a} {b} {c}\n" for x in blocks for a, b, c in x.reshape(-1, 3)))
    write_input(tmp_path, "BFGSMIN 1D-9\nDUMPDATA\nMULTIJOB starts")
    assert run(tmp_path) == 0
    assert "job 3 of 3" in capsys.readouterr().out
    found = min_data_info.read(tmp_path / "min.data.info", 12)
    assert [m.energy for m in found] == pytest.approx([-6.0] * 3, abs=1e-9)


def test_variables_hold_the_starting_point_of_a_network(tmp_path):
    (tmp_path / "MLPdata").write_text("0 0 0\n1 0 1\n1 1 0\n0 1 1\n")
    values = np.sin(np.arange(17))
    (tmp_path / "odata").write_text("MLPVB3 2 1 3 2 4 1D-2\nBFGSMIN 1D-9\nVARIABLES\n" + "\n".join(map(str, values)) + "\n")
    assert run(tmp_path) == 0
    assert coordinates.read(tmp_path / "points.final", 17).coordinates.shape == (17,)


def test_wrong_number_of_zero_eigenvalues_is_an_error(tmp_path):
    from common.errors import InputError

    (tmp_path / "MLPdata").write_text("0 0 0\n1 0 1\n1 1 0\n0 1 1\n")
    text = "MLPVB3 2 1 3 2 4 1D-2\nBFGSMIN 1D-9\nVARIABLES 3\n" + "0.1\n" * 17
    (tmp_path / "odata").write_text(text)
    with pytest.raises(InputError, match="3 zero eigenvalues given; this potential has 0"):
        run(tmp_path)


#: Near the planar transition state between two copies of the tetrahedron.
RHOMBUS = np.array([0, 0, 0, 1.12, 0, 0, 0.56, 0.97, 0.02, 1.68, 0.97, 0.0])


def test_the_downhill_eigenvector_is_written_and_read_again(tmp_path):
    write_input(tmp_path, "BFGSTS\nBFGSMIN 1D-8\nDUMPVECTOR", RHOMBUS)
    assert run(tmp_path) == 0
    ts = coordinates.read(tmp_path / "points.final", 12).coordinates
    numbers = np.array((tmp_path / "vector.dump").read_text().split(), dtype=float)
    eigenvalues, vectors = np.linalg.eigh(LennardJones(4).hessian(ts))
    assert numbers[0] == pytest.approx(eigenvalues[0], rel=1e-6)
    assert abs(numbers[1:] @ vectors[:, 0]) == pytest.approx(1.0, abs=1e-6)
    write_input(tmp_path, "BFGSTS\nBFGSMIN 1D-8\nREADVEC", ts + 0.01 * vectors[:, 0])
    assert run(tmp_path) == 0


def test_a_missing_vector_is_an_error(tmp_path):
    from common.errors import InputError

    write_input(tmp_path, "BFGSTS\nREADVEC", RHOMBUS)
    with pytest.raises(InputError, match=r"no file vector\.dump"):
        run(tmp_path)


def test_path_frames_are_coloured_by_pair_energy(tmp_path):
    """The centre of the icosahedron is bound by twelve contacts, an atom of its surface by six, a lost one by fewer."""
    rng = np.random.default_rng(5)
    potential = LennardJones(13)
    start = min((minimise(potential, potential.random_coordinates(rng), rms=1e-6) for _ in range(60)), key=lambda r: r.energy)
    assert start.energy == pytest.approx(-44.326801, abs=1e-5)
    x = start.coordinates.reshape(-1, 3) - start.coordinates.reshape(-1, 3).mean(axis=0)
    lost = int(np.argmax(np.linalg.norm(x, axis=1)))
    x[lost] *= 1.6  # halfway to a place on a face: the search ends in the transition state of this atom
    x[lost] += 0.5 * np.cross(x[lost], [0.3, 0.5, 0.8]) / np.linalg.norm(x[lost])
    write_input(tmp_path, "BFGSTS\nBFGSMIN 1D-7\nSTEPS 500\nPATH 5\nPAIRCOLOUR 2", x)
    assert run(tmp_path) == 0
    text = (tmp_path / "path.xyz").read_text().splitlines()
    frames = [text[k : k + 15] for k in range(0, len(text), 15)]
    labels = {line.split()[0] for frame in frames for line in frame[2:]}
    assert labels == {"X1", "X2", "X3"}
    assert frames[0] == frames[1] == frames[2]
    assert frames[-1] == frames[-2] == frames[-3]


def test_noinversion_belongs_to_clusters_and_keeps_mirror_images_apart(tmp_path):
    from optim.job import read_job

    write_input(tmp_path, "BFGSMIN 1D-6\nNOINVERSION")
    symmetry = read_job(tmp_path).potential.symmetry
    rng = np.random.default_rng(4)
    chiral = rng.uniform(-1, 1, 12)
    # four like atoms at random are chiral: the mirror image is a copy only with inversion
    assert symmetry.align(-chiral, chiral)[1] > 1e-3
    assert LennardJones(4).symmetry.align(-chiral, chiral)[1] < 1e-6


def test_displacement_of_the_numerical_hessian_and_end_of_a_connection(tmp_path, capsys):
    potential = LennardJones(4)
    x = minimise(potential, START, rms=1e-9).coordinates
    write_input(tmp_path, "NEWCONNECT\nBFGSMIN 1D-6\nENDNUMHESS2 1D-4\n", x)
    coordinates.write(tmp_path / "finish", x)
    assert run(tmp_path) == 0
    values = [float(v) for v in capsys.readouterr().out.split("Hessian eigenvalues:\n")[1].split()[:12]]
    assert values[6:] == pytest.approx(np.linalg.eigvalsh(potential.hessian(x))[6:], rel=1e-3)


def test_time_limit_ends_a_connection_with_what_was_found(tmp_path, capsys):
    from common import stop

    rng = np.random.default_rng(1)
    potential = LennardJones(38)
    ends = [minimise(potential, potential.random_coordinates(rng), rms=1e-8, max_iterations=5000).coordinates for _ in range(2)]
    write_input(tmp_path, "NEWCONNECT\nBFGSMIN 1D-6\nREOPTIMISEENDPOINTS\nDUMPALLPATHS\nTIMELIMIT 0.2", ends[0])
    coordinates.write(tmp_path / "finish", ends[1])
    try:
        assert run(tmp_path) == 3
    finally:
        stop.reset()
    assert "the time limit was reached" in capsys.readouterr().out
