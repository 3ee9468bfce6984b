"""The page for the browser: its data, and what a headless Chromium shows of it."""

import base64
import html
import itertools
import json
import re
import shutil
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
from made_landscapes import funnels, random_network, write_text

from disconnect.automatic import join_energies
from disconnect.cli import main
from disconnect.network import network
from disconnect.selection import connected_part
from disconnect.webpage import spanning_tree

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
in_browser = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


def chromium(page, fragment, *options):
    """Open the page at an address and return what Chromium prints."""
    command = [
        CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader", "--window-size=1000,700",
        "--virtual-time-budget=5000", f"--user-data-dir={page.parent}/profile", *options, f"file://{page}{fragment}",
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=120).stdout


def text_of(document, name):
    """Text of the element with this id."""
    return html.unescape(re.search(rf'id="{name}"[^>]*>([^<]*)<', document).group(1))


@pytest.fixture
def page(tmp_path, monkeypatch):
    energies, ts, plus, minus, _ = funnels(3, 30, 4)
    write_text(tmp_path, energies, ts, plus, minus)
    np.savetxt(tmp_path / "auc.csv", np.linspace(0.5, 1.0, energies.size), header="auc_test", comments="")
    (tmp_path / "dinfo").write_text("MINIMA min.data\nTS ts.data\nCENTREGMIN\n")
    monkeypatch.chdir(tmp_path)
    assert main(["-o", "tree.html", "--colour", "auc.csv"]) == 0
    return tmp_path / "tree.html"


def arrays_of(page):
    """The packed arrays of a page, and its header."""
    text = page.read_text(encoding="utf-8")
    header = json.loads(re.search(r'id="header">(.*?)</script>', text).group(1))
    data = zlib.decompress(base64.b64decode(re.search(r'id="data">(.*?)</script>', text).group(1)))
    return header, {n: np.frombuffer(data, "<" + k, length, offset) for n, k, offset, length in header["arrays"]}


def test_page_needs_nothing_else(page):
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"(src|href)\s*=\s*[\"']", text)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)


def test_data(page):
    header, arrays = arrays_of(page)
    assert header["properties"] == ["energy", "auc_test"]
    assert np.array_equal(arrays["energy"], np.loadtxt("min.data")[:, 0])
    assert np.allclose(arrays["p:auc_test"], np.linspace(0.5, 1.0, 90))
    assert (arrays["parent"][:-1] > np.arange(arrays["parent"].size - 1)).sum() == arrays["parent"].size - 1
    assert arrays["leaf"].sum() == 90


@pytest.mark.parametrize("seed", range(5))
def test_spanning_tree_holds_the_lowest_paths(seed):
    points = network(*random_network(60, 150, seed, equal=seed % 2 == 1))
    selection = connected_part(points)
    parent, ts, depth = spanning_tree(points, selection)
    root = points.global_minimum
    joins = join_energies(points, selection, root)
    for k in np.flatnonzero(selection.minima):
        highest, steps, node = -np.inf, 0, k
        while parent[node] >= 0:
            highest, steps, node = max(highest, ts[node]), steps + 1, parent[node]
        assert node == root
        assert steps == depth[k]
        assert highest == joins[k]


@in_browser
def test_hover_text_and_path_in_browser(page):
    energies = np.loadtxt("min.data")[:, 0]
    document = chromium(page, "#minimum=5&to=40", "--dump-dom")
    assert 'data-ready="yes"' in document
    info = text_of(document, "info")
    assert info.splitlines()[0] == "Minimum 5"
    assert float(info.splitlines()[1].split()[1]) == pytest.approx(energies[4], rel=1e-11)
    assert float(info.splitlines()[2].split()[1]) == pytest.approx(0.5 + 4 * 0.5 / 89, rel=1e-5)
    path = text_of(document, "path")
    states = np.loadtxt("ts.data")
    # Minima 1 to 30 and 31 to 60 are joined by the one transition state between 31 and 1.
    between = states[(states[:, 3] == 31) & (states[:, 4] == 1), 0].min()
    assert float(re.search(r"highest transition state (\S+)", path).group(1)) == pytest.approx(between, rel=1e-11)
    assert float(re.search(r"barrier from 5: (\S+)", path).group(1)) == pytest.approx(between - energies[4], rel=1e-5)
    route = [int(word) for word in path.split("minima: ")[1].split()]
    assert (route[0], route[-1]) == (5, 40)
    pairs = {frozenset(pair) for pair in states[:, 3:5].astype(int).tolist()}
    assert all(frozenset(step) in pairs for step in itertools.pairwise(route))


@in_browser
def test_screenshot_is_not_blank(page):
    from matplotlib.image import imread

    chromium(page, "#minimum=5&to=40", f"--screenshot={page.parent}/screen.png")
    picture = imread(Path(page.parent) / "screen.png")[..., :3]
    graph = picture[:, 70:700]
    assert (graph.min(axis=2) < 0.8).mean() > 0.005
    # Branches in the colours of the map, and the path in red.
    assert (np.ptp(graph, axis=2) > 0.2).mean() > 0.003
    red = (graph[..., 0] > 0.75) & (graph[..., 1] < 0.3) & (graph[..., 2] < 0.3)
    assert red.sum() > 300


@in_browser
def test_large_graph_by_webgl(tmp_path, monkeypatch):
    from matplotlib.image import imread

    energies, ts, plus, minus, _ = funnels(10, 400, 1)
    write_text(tmp_path, energies, ts, plus, minus)
    (tmp_path / "dinfo").write_text("MINIMA min.data\nTS ts.data\nCOLOURBY energy\n")
    monkeypatch.chdir(tmp_path)
    assert main(["-o", "tree.html"]) == 0
    chromium(tmp_path / "tree.html", "", f"--screenshot={tmp_path}/screen.png")
    graph = imread(tmp_path / "screen.png")[:, 70:700, :3]
    assert (graph.min(axis=2) < 0.8).mean() > 0.01


@in_browser
@pytest.mark.parametrize("kind", ["cluster", "network"])
def test_structure_of_the_minimum_in_browser(kind, tmp_path, monkeypatch):
    from matplotlib.image import imread

    from common.database import Database
    from common.stationary_points import Minimum, TransitionState

    fingerprint = {"n_atoms": 4} if kind == "cluster" else {"layers": [2, 2, 2], "has_biases": True}
    rng = np.random.default_rng(3)
    monkeypatch.chdir(tmp_path)
    with Database("landscape.db", n_variables=12, fingerprint=fingerprint) as database:
        x = rng.normal(size=(3, 12)) * 1.5
        database.add_minima([Minimum(-float(k), x[k]) for k in range(3)], distinct=True)
        database.add_transition_states(
            [TransitionState(1.0 + k, x[0] + k, plus=1, minus=2 + k, negative_eigenvalue=-1.0) for k in range(2)]
        )
    assert main(["-o", "tree.html"]) == 0
    header, arrays = arrays_of(tmp_path / "tree.html")
    assert header["structure"]["kind"] == kind
    assert np.allclose(arrays["coordinates"].reshape(3, 12), x, rtol=1e-6)
    chromium(tmp_path / "tree.html", "#minimum=2", f"--screenshot={tmp_path}/screen.png")
    panel = imread(tmp_path / "screen.png")[:, 735:, :3]
    coloured = np.ptp(panel, axis=2) > 0.3
    assert coloured.sum() > (1500 if kind == "cluster" else 300)
    if kind == "network":
        blue = (panel[..., 2] > 0.5) & (panel[..., 0] < 0.3)
        red = (panel[..., 0] > 0.5) & (panel[..., 2] < 0.3)
        assert blue.any()
        assert red.any()
