"""Text and binary files of the classic programs, read and written without loss.

Readers split at blanks and take old and new layouts; writers keep the widths of the classic programs byte for byte and go
through `common.atomic.atomic_write`. Readers raise `InputError` with file and line.

fortran          numbers as Fortran prints and reads them
min_data         ``min.data``: one line per minimum
ts_data          ``ts.data``: one line per transition state
points           ``points.min``, ``points.ts``: coordinates as raw doubles
endpoints        ``min.A``, ``min.B``
path_info        ``path.info``: stationary points with eigenvalues and coordinates
min_data_info    ``min.data.info``: minima with coordinates
lowest           ``lowest`` of gmin
coordinates      ``coords``, ``finish``, ``extractedmin``, and the lines below POINTS and VARIABLES
energy_profile   ``EofS``, ``EofS.k``
xyz              ``path.xyz``, ``path.k.xyz``, ``best.xyz``
"""
