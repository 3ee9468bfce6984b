"""One self-contained HTML file: the graph to zoom, to ask and to filter, without a network connection.

The branches are drawn with WebGL, so that 200,000 of them move smoothly. All data travel in one compressed block inside the
page.
"""

import base64
import json
import zlib
from pathlib import Path

import numpy as np

SCRIPTS = [Path(__file__).with_name(name) for name in ("structure.js", "viewer.js")]
#: Numbers of coordinates that still go into the page.
MOST_COORDINATES = 4_000_000

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
html, body {{ margin: 0; height: 100%; font: 13px/1.45 sans-serif; color: #222; }}
body {{ display: flex; }}
#stage {{ position: relative; flex: 1; min-width: 0; height: 100%; overflow: hidden; }}
#stage canvas {{ position: absolute; inset: 0; width: 100%; height: 100%; }}
#marks {{ cursor: crosshair; touch-action: none; }}
[hidden] {{ display: none !important; }}
aside {{ flex: none; width: 270px; padding: 12px 14px; border-left: 1px solid #ddd; overflow-y: auto; box-sizing: border-box; }}
h1 {{ font-size: 14px; margin: 0 0 8px; }}
h2 {{ font-size: 12px; margin: 16px 0 4px; color: #666; font-weight: 600; }}
pre {{ font: inherit; white-space: pre-wrap; margin: 0; overflow-wrap: anywhere; }}
select, input, button {{ font: inherit; }}
input {{ width: 84px; }}
.bar {{ height: 10px; margin-top: 6px; }}
.ends {{ display: flex; justify-content: space-between; font-size: 11px; }}
#structure {{ display: block; margin-top: 6px; width: 220px; height: 220px; touch-action: none; }}
#help {{ color: #666; font-size: 11px; }}
</style>
</head>
<body>
<div id="stage"><canvas id="lines"></canvas><canvas id="marks"></canvas></div>
<aside>
<h1>{title}</h1>
<h2>Colour</h2>
<select id="colour"></select>
<div id="scale" hidden><div class="bar"></div><div class="ends"><span class="low"></span><span class="high"></span></div></div>
<h2>Show only</h2>
<select id="filter"></select><br>
<input id="from" placeholder="from"> <input id="to" placeholder="to">
<div id="count"></div>
<h2>Minimum</h2>
<pre id="info">Point at the end of a branch.</pre>
<canvas id="structure" width="220" height="220" hidden></canvas>
<h2>Path</h2>
<pre id="path"></pre>
<h2>Save</h2>
<button id="svg">SVG</button> <button id="png">PNG</button> <button id="home">whole graph</button>
<p id="help">Wheel: zoom (with Shift sideways, with Alt upright). Drag: move. Click two branch ends: lowest path between
them. Double click: whole graph.</p>
</aside>
<script type="application/json" id="header">{header}</script>
<script type="application/octet-stream" id="data">{data}</script>
<script>
{script}
</script>
</body>
</html>
"""


def spanning_tree(network, selection):
    """The minimum spanning tree, on which the lowest path between any two minima lies, hung up at the lowest minimum.

    Returns
    -------
    parent : ndarray of int32, shape (n_minima,)
        Next minimum on the way to the root; -1 for roots and minima that take no part.
    ts : ndarray of float, shape (n_minima,)
        Energy of the transition state on that step; -inf where there is none.
    depth : ndarray of int32, shape (n_minima,)
        Steps to the root.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree

    n = network.n_minima
    parent = np.full(n, -1, dtype=np.int32)
    energy = np.full(n, -np.inf)
    depth = np.zeros(n, dtype=np.int32)
    used = np.flatnonzero(selection.ts)
    if used.size == 0:
        return parent, energy, depth
    # The lowest transition state of each pair; weights are ranks, because zero means no edge to the library.
    low = np.minimum(network.plus[used], network.minus[used])
    high = np.maximum(network.plus[used], network.minus[used])
    order = np.lexsort((selection.ts_energies[used], high, low))
    first = np.ones(order.size, dtype=bool)
    first[1:] = (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0)
    edges = order[first]
    unique, rank = np.unique(selection.ts_energies[used][edges], return_inverse=True)
    graph = coo_array((rank + 1.0, (low[edges], high[edges])), shape=(n, n)).tocsr()
    tree = minimum_spanning_tree(graph)
    tree = (tree + tree.T).tocsr()
    _, part = connected_components(tree, directed=False)
    members = np.flatnonzero(selection.minima)
    by_energy = members[np.argsort(network.energies[members], kind="stable")]
    _, representative = np.unique(part[by_energy], return_index=True)
    for root in by_energy[representative]:
        sequence, before = breadth_first_order(tree, root, directed=False)
        if sequence.size == 1:
            continue
        rest = sequence[1:]
        parent[rest] = before[rest]
        weight = np.asarray(tree[rest, before[rest]]).reshape(-1)
        energy[rest] = unique[weight.astype(int) - 1]
        for k in rest.tolist():
            depth[k] = depth[parent[k]] + 1
    return parent, energy, depth


def write_page(
    path, network, selection, layout, *, properties=None, colour=None, rule="MAX", colour_map=None, colour_range=None,
    label="energy", title="Disconnectivity graph",
):  # fmt: skip
    """Write the page.

    Parameters
    ----------
    path : str or Path
    network : disconnect.network.Network
    selection : disconnect.selection.Selection
    layout : disconnect.layout.Layout
    properties : dict of str to ndarray or None
        Values per minimum that the page offers besides those of the database.
    colour : str or None
        Property that colours the branches at first.
    rule : str
        As in `disconnect.colours.node_values`.
    colour_map : str or None
    colour_range : tuple or None
    label : str
        Of the energy axis.
    title : str
    """
    import matplotlib

    from common.atomic import atomic_write
    from disconnect.colours import DEFAULT_MAP
    from disconnect.picture import polylines

    tree = layout.tree
    x, energy = polylines(layout)
    parent, ts, depth = spanning_tree(network, selection)
    values = {"energy": network.energies, **network.properties(), **(properties or {})}
    palette = matplotlib.colormaps[colour_map or DEFAULT_MAP](np.arange(256) / 255.0)[:, :3]
    arrays = {
        "energy": ("f8", network.energies),
        "spanTs": ("f8", ts),
        **{f"p:{name}": ("f8", found) for name, found in values.items()},
        "parent": ("i4", tree.parent), "lowest": ("i4", tree.lowest), "size": ("i4", tree.size), "attach": ("i4", tree.attach),
        "spanParent": ("i4", parent), "spanDepth": ("i4", depth),
        "parentX": ("f4", x[:, 0]), "bendX": ("f4", x[:, 1]), "endX": ("f4", x[:, 2]),
        "topE": ("f4", energy[:, 0]), "bendE": ("f4", energy[:, 1]), "endE": ("f4", energy[:, 2]),
    }  # fmt: skip
    coordinates = network.coordinates(MOST_COORDINATES)
    if coordinates is not None:
        arrays["coordinates"] = ("f4", coordinates.ravel())
    arrays["leaf"] = ("u1", tree.leaves)
    arrays["palette"] = ("u1", np.rint(255 * palette).astype(np.uint8).ravel())
    blocks, listing, offset = [], [], 0
    for name, (kind, array) in arrays.items():
        data = np.ascontiguousarray(array, dtype="<" + kind).tobytes()
        listing.append([name, kind, offset, len(data) // int(kind[1])])
        data += b"\0" * (-len(data) % 8)
        blocks.append(data)
        offset += len(data)
    header = {
        "arrays": listing,
        "properties": list(values),
        "colour": colour,
        "rule": rule,
        "range": colour_range,
        "label": label,
        "first": tree.levels.first,
        "last": min(tree.levels.last, float(np.nanmin(layout.end_energy))),
        "variables": 0 if coordinates is None else coordinates.shape[1],
        "structure": None if coordinates is None else structure_of(network, coordinates.shape[1]),
    }
    text = PAGE.format(
        title=_plain(title),
        header=json.dumps(header).replace("</", "<\\/"),
        data=base64.b64encode(zlib.compress(b"".join(blocks), 6)).decode("ascii"),
        script="\n".join(path.read_text(encoding="utf-8") for path in SCRIPTS),
    )
    with atomic_write(path, encoding="utf-8", durable=False) as file:
        file.write(text)


def structure_of(network, n_variables):
    """What the page needs to draw a minimum: a dict with ``kind``, and ``layers`` and ``biases`` of a network."""
    from disconnect.structures import kind_of

    kind = kind_of(network.fingerprint(), n_variables)
    return {"kind": kind.name, "layers": list(kind.layers), "biases": kind.biases}


def _plain(text):
    return text.replace("&", "&amp;").replace("<", "&lt;")
