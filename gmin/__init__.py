"""gmin: basin-hopping global optimisation with the input and output of GMIN.

`run` tells the story of a run; `job` reads the input; `search` drives one walker (its loop is `_basin_hopping`, its lists
are `_memory`); `newrestart` is the AVOID list; `store` brings the minima to the database; `final` quenches the saved minima;
`output`, `tracking` and `dump` write the files; `mean_first_encounter` repeats a run from many starts.

Public: `gmin.run.run`, `gmin.job.read_job`, `gmin._basin_hopping.Walker`.
"""
