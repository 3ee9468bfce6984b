"""Pictures of what the kinetic keywords wrote."""

import numpy as np
import pytest

from common.errors import EXIT_DONE, InputError
from pathsample.analysis_plots import table
from pathsample.run import look


@pytest.mark.parametrize(
    ("kind", "keywords"),
    [
        ("rates", "RATESCYCLE 0.001 0.1 0.2 0.4"),
        ("fpt", "TEMPERATURE 0.2\nWAITPDF"),
        ("cv", "CV 0.02 0.5 0.02\nCVMINIMA 5 25 2"),
        pytest.param("committor", "TEMPERATURE 0.2\nNGT", marks=pytest.mark.slow),
    ],
)
def test_pictures(landscape, capsys, kind, keywords):
    directory = landscape("CYCLES 0")
    with pytest.raises(InputError, match="first"):
        look(directory, plot=kind)
    landscape(keywords)
    assert look(directory, plot=kind) == EXIT_DONE
    for end in ("pdf", "png"):
        assert (directory / f"{kind}.{end}").stat().st_size > 3000
        assert f"plot> {kind}.{end} written" in capsys.readouterr().out or end == "png"


def test_numbers_as_fortran_prints_them(tmp_path):
    path = tmp_path / "NGT.rates.new"
    path.write_text("2602290426.  0.5E-0016 .25 0.1-400 1.0D+03 7 0.0\n")
    expected = [9.415355799, -16.30102999566, -0.602059991328, -401.0, 3.0, 0.845098040014, np.nan]
    assert table(path, "RATESCYCLE")[0] == pytest.approx(expected, nan_ok=True)
    path.write_text("1.0\nx1\n")
    with pytest.raises(InputError, match=":2: expected a number, found x1"):
        table(path, "RATESCYCLE")
