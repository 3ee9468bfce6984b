"""Disconnectivity graphs: from a database of minima and transition states to a picture.

`cli` is the command line and `run` the story of the program on one page. `sources` reads the stationary points into a
`network`, `selection` chooses what takes part, `superbasins` finds which minima belong together at each energy, `automatic`
chooses the energies, `layout` places the branches by the classic rules, `colours` colours them by sets of minima or by any
property, `postscript` writes the classic tree.ps, `picture` everything that Matplotlib can, `insets` and `structures` those
of single minima, `comparison` several databases on one axis, `webpage` the graph in the browser, `listings` the text files
beside it.

For figures of your own: `disconnect.figure.disconnectivity_graph` returns the Matplotlib Axes.
"""
