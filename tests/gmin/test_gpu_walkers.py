"""gmin with the keyword CUDA on a device; `make test-gpu` on a machine that has one."""

import pytest

from common.errors import InputError
from common.formats import lowest
from gmin.run import run
from potentials.cuda.device import Device

pytestmark = pytest.mark.gpu


def test_thousands_of_walkers_find_the_truncated_octahedron(tmp_path):
    try:
        Device().close()
    except InputError as error:
        pytest.skip(str(error))
    (tmp_path / "data").write_text(
        "CUDA\nNATOMS 38\nSTEPS 2000 1.0\nTEMPERATURE 0.8\nSTEP 0.40 0.40\nEDIFF 0.001\nSAVE 10\nCENTRE\nTARGET -173.928427\n"
        "NODATABASE\n"
    )
    assert run(tmp_path) == 0
    assert lowest.read(tmp_path / "lowest")[0].energy == pytest.approx(-173.928427, abs=1e-5)
