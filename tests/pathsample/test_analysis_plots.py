"""Pictures of what the kinetic keywords wrote."""

import pytest

from common.errors import EXIT_DONE, InputError
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
