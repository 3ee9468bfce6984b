"""The keyword POTENTIAL: a user's own function, and what can be wrong with it."""

import sys

import numpy as np
import pytest

from common.errors import InputError
from common.keywords import load_table, parse_text
from potentials.lj import LennardJones
from potentials.selection import potential_from_keywords, potential_table_path, sized_keyword
from potentials.user_function import source_digest

TABLE = load_table(potential_table_path())
WELL = """
import numpy as np


def well(n=2, k=1.5, kind="soft"):
    assert kind in ("soft", "hard")

    def energy(x):
        return 0.5 * k * float(x @ x), k * x

    return energy, n


def bare(n):
    return lambda x: x.sum()
"""


@pytest.fixture
def choose(tmp_path):
    """Writes wells.py and builds the potential of a line."""

    def build(line, source=WELL, name="wells", directory=tmp_path, **options):
        path = directory / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
        return potential_from_keywords(parse_text(f"POTENTIAL python {line}\n", TABLE), directory, **options)

    before, modules = list(sys.path), set(sys.modules)
    yield build
    sys.path[:] = before
    for each in set(sys.modules) - modules:
        del sys.modules[each]


def test_arguments_are_numbers_where_they_look_like_it(choose):
    potential = choose("wells:well 3 2D0 hard")
    assert potential.n_variables == 3
    assert potential.energy([1.0, 1.0, 1.0]) == 3.0
    assert choose("wells:well").n_variables == 2
    assert sized_keyword(parse_text("POTENTIAL python wells:well\n", TABLE)) == "POTENTIAL"


def test_options_of_the_tuple(choose):
    source = """
import numpy as np
from potentials.symmetry import NoSymmetry


def make():
    return (lambda x: (float(x @ x), 2 * x)), 3, {
        "hessian": lambda x: 2 * np.eye(3), "start": lambda rng: rng.uniform(5, 6, 3), "step_scale": 0.7, "n_atoms": 1,
        "symmetry": NoSymmetry(),
    }
"""
    potential = choose("wells:make", source)
    assert potential.has_hessian
    assert potential.step_scale == 0.7
    assert potential.n_atoms == 1
    assert (potential.random_coordinates(np.random.default_rng(0)) >= 5).all()


def test_factory_may_return_a_potential_of_the_suite(choose):
    potential = choose("wells:make 5", "from potentials.lj import LennardJones\n\n\ndef make(n):\n    return LennardJones(n)\n")
    assert type(potential) is LennardJones
    assert potential.fingerprint() == LennardJones(5).fingerprint()


def test_fingerprint_follows_the_source_but_not_its_comments(choose):
    first = choose("wells:well 3").fingerprint()
    assert first["function"] == "wells:well 3"
    assert choose("wells:well 4").fingerprint() != first
    assert source_digest(WELL) == source_digest("# why\n" + WELL.replace("\n\n", "\n\n\n"))
    assert source_digest(WELL) != source_digest(WELL.replace("0.5", "0.6"))


def test_modules_of_two_directories_with_one_name(choose, tmp_path):
    one = choose("wells:well 2", directory=tmp_path / "a")
    two = choose("wells:well 2", WELL.replace("0.5 *", "5.0 *").replace(", k * x", ", 10 * k * x"), directory=tmp_path / "b")
    x = np.ones(2)
    assert two.energy(x) == 10 * one.energy(x)


def test_packages(choose):
    assert choose("models.wells:well 4", name="models/wells").n_variables == 4


@pytest.mark.parametrize(
    ("line", "source", "message"),
    [
        ("well", WELL, "expected module:function"),
        ("wells:", WELL, "expected module:function"),
        ("welts:well", WELL, r"no module welts: there is no file welts.py in"),
        ("wells:wall", WELL, r"wells.py has no function wall; did you mean well\?"),
        ("wells:np", WELL, "np in wells.py is not a function"),
        ("wells:well 2 1.0 mild", WELL, r"wells.py:6: in well: AssertionError"),
        ("wells:well 1 2 soft 4", WELL, r"TypeError: .*positional argument"),
        ("wells:well", "import nowhere_to_be_found\n", r"wells.py:1: in <module>: ModuleNotFoundError: .*nowhere_to_be_found"),
        ("wells:well", "def well(:\n", r"wells.py:1: SyntaxError"),
        ("wells:well", "x = 1 / 0\n", r"wells.py:1: in <module>: ZeroDivisionError"),
        ("wells:bare 3", WELL, r"bare must return a Potential, .* returned a function"),
        ("wells:f", "def f():\n    return 3\n", "returned a int"),
        ("wells:f", "def f():\n    return (1, 2, 3, 4)\n", "returned a tuple of 4"),
        ("wells:f", "def f():\n    return (len, 0)\n", "positive integer, found 0"),
        ("wells:f", "def f():\n    return (len, 2, 3)\n", "dict of options, found a int"),
        ("wells:f", "def f():\n    return (len, 2, {'hesian': len})\n", "unknown option hesian"),
        ("wells:f", "def f():\n    return (len, 2, {'n_atoms': 4})\n", "12 coordinates"),
        ("wells:f", "def f():\n    return (lambda x: x.sum()), 2\n", r"must return \(energy, gradient\), it returned a"),
        ("wells:f", "def f():\n    return (lambda x: (x.sum(), 1.0)), 2\n", "gradient has 1 components, expected 2"),
        ("wells:f", "def f():\n    return (lambda x: (x, x)), 2\n", "energy must be a number"),
        ("wells:f", "def f():\n    return (lambda x: (1, 'x')), 2\n", "gradient must be an array of numbers"),
        ("wells:f", "import sys\n\n\ndef f():\n    sys.exit(2)\n", "wells.py:5: in f: SystemExit: 2"),
    ],
)
def test_problems_name_the_line_of_the_input(choose, line, source, message):
    with pytest.raises(InputError, match=message) as caught:
        choose(line, source)
    assert str(caught.value).startswith(f"data:1: POTENTIAL python {line}")
    assert len(caught.value.problems) == 1
    assert "\n" not in str(caught.value)


def test_name_of_a_module_in_use(choose):
    with pytest.raises(InputError, match=r"json.py has the name of a module that is in use"):
        choose("json:f", name="json")


def test_missing_package_names_the_extra(choose):
    source = "import importlib\n\n\ndef make():\n    raise ModuleNotFoundError(\"No module named 'ase'\", name='ase')\n"
    with pytest.raises(InputError, match=r"pip install 'energy-landscapes\[ase\]'"):
        choose("wells:make", source)


def test_exceptions_in_a_search_name_the_line_of_the_user(choose):
    check = "        if x[0] > 3:\n            raise ValueError('too far')\n"
    source = WELL.replace("        return 0.5", check + "        return 0.5")
    potential = choose("wells:well 2", source)
    assert potential.energy([1.0, 0.0]) == 0.75
    message = r"^data:1: POTENTIAL python wells:well 2: wells.py:10: in energy: ValueError: too far$"
    with pytest.raises(InputError, match=message):
        potential.energy([4.0, 0.0])
    from common.lbfgs import minimise

    with pytest.raises(InputError, match="too far"):
        minimise(potential, np.array([4.0, 0.0]))
    assert minimise(potential, np.array([2.0, 0.0])).converged


def test_an_interrupt_stays_one(choose):
    check = "        if x[0] > 9:\n            raise KeyboardInterrupt\n"
    potential = choose("wells:well", WELL.replace("        return 0.5", check + "        return 0.5"))
    with pytest.raises(KeyboardInterrupt):
        potential.energy([10.0, 0.0])


def test_radius_needs_atoms(choose, tmp_path):
    choose("wells:well")
    with pytest.raises(InputError, match="has not"):
        potential_from_keywords(parse_text("POTENTIAL python wells:well\nRADIUS 3\n", TABLE), tmp_path)
