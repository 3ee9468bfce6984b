"""GraphML, the XML format of graphs that NetworkX, Gephi, Cytoscape and igraph read (Brandes et al., Graph Drawing 2001)."""

from xml.sax.saxutils import quoteattr

import numpy as np

from common.atomic import atomic_write

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">
"""


def write_graphml(path, names, nodes, ends, edges):
    """Write an undirected graph; values that are not a number are left out.

    Parameters
    ----------
    path : str or Path
    names : sequence of int
        Number of each node.
    nodes, edges : dict of str to ndarray
        Attributes, one value for each node or edge; whole numbers or floats.
    ends : sequence of (int, int)
        Numbers of the nodes that an edge joins.
    """
    nodes = {name: np.asarray(values) for name, values in nodes.items()}
    edges = {name: np.asarray(values) for name, values in edges.items()}
    with atomic_write(path) as file:
        file.write(HEAD)
        for kind, columns in (("node", nodes), ("edge", edges)):
            for number, (name, values) in enumerate(columns.items()):
                dtype = "long" if values.dtype.kind in "iu" else "double"
                key = f'id="{kind}_{number}" for="{kind}" attr.name={quoteattr(name)} attr.type="{dtype}"'
                file.write(f"<key {key}/>\n")
        file.write('<graph edgedefault="undirected">\n')
        for k, name in enumerate(names):
            file.write(f'<node id="{name}">{_data("node", nodes, k)}</node>\n')
        for k, (a, b) in enumerate(ends):
            file.write(f'<edge source="{a}" target="{b}">{_data("edge", edges, k)}</edge>\n')
        file.write("</graph>\n</graphml>\n")


def _data(kind, columns, k):
    parts = []
    for number, values in enumerate(columns.values()):
        value = values[k].item()
        if isinstance(value, float) and not np.isfinite(value):
            continue
        parts.append(f'<data key="{kind}_{number}">{value!r}</data>')
    return "".join(parts)
