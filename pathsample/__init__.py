"""pathsample: a database of minima and transition states that grows by many independent searches.

A run reads ``pathdata`` (what to do) and ``odata.connect`` (the potential and the settings of the searches), grows
``landscape.db`` and keeps the text files of the classic program (min.data, ts.data, points.min, points.ts, min.A, min.B)
beside it current.

Read from the top: ``cli`` (command line) -> ``run`` (the story of the program) -> ``setup`` (input), ``start_from_path``
(stationary points from files), ``growth`` (cycles of jobs), ``strategies`` (which searches to make: ``pairs``, ``path_pairs``,
``untrap``, ``survey``, on ``network`` and ``distances``), ``estimates`` (what is still unseen), ``jobs`` (what runs in a
worker), ``external`` (another OPTIM executable), ``change`` (pathdata.change), ``verify`` (checks of a database),
``maintenance`` (merging, extracting, parts), ``export`` (text files), ``kinetics`` (rates, fastest paths, passage times),
``thermodynamics`` (heat capacity), ``networks`` (shortest paths, hubs), ``basins`` (volumes), ``status``, ``plots`` and
``job_script`` (looking on), ``summary`` and ``learning`` (measures of networks).
"""
