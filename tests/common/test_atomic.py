import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from common import stop
from common.atomic import atomic_write
from common.errors import StoppedError

ROOT = Path(__file__).resolve().parents[2]


def test_the_file_appears_whole(tmp_path):
    path = tmp_path / "min.data"
    path.write_text("old\n")
    with atomic_write(path) as file:
        file.write("new\n")
        assert path.read_text() == "old\n"
    assert path.read_text() == "new\n"
    assert os.listdir(tmp_path) == ["min.data"]


def test_an_error_leaves_the_old_file(tmp_path):
    path = tmp_path / "min.data"
    path.write_bytes(b"old")

    def fail():
        with atomic_write(path, "wb") as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["min.data"]


def test_permissions_are_those_of_an_ordinary_file(tmp_path):
    plain, ours, kept = tmp_path / "plain", tmp_path / "ours", tmp_path / "kept"
    plain.write_text("x")
    kept.write_text("x")
    kept.chmod(0o640)
    for path in (ours, kept):
        with atomic_write(path) as file:
            file.write("x")
    assert ours.stat().st_mode == plain.stat().st_mode
    assert kept.stat().st_mode & 0o777 == 0o640


def test_symbolic_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    link.symlink_to(real)
    with atomic_write(link) as file:
        file.write("new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, atomic_write(tmp_path / "absent" / "file"):
        pass
    assert caught.value.filename == str(tmp_path / "absent" / "file")


def test_a_folder_cannot_be_written(tmp_path):
    with pytest.raises(IsADirectoryError), atomic_write(tmp_path):
        pass


def test_device_is_written_directly():
    with atomic_write("/dev/null") as file:
        file.write("x")
    assert not Path("/dev/null").is_file()


def test_kill_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "points.min"
    path.write_bytes(b"old")
    program = (
        "import sys, time\nfrom common.atomic import atomic_write\n"
        f"with atomic_write({str(path)!r}, 'wb') as file:\n"
        "    file.write(b'x' * 100000)\n    file.flush()\n    print('writing', flush=True)\n    time.sleep(60)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"writing\n"
    child.kill()
    child.wait()
    child.stdout.close()
    assert path.read_bytes() == b"old"


@pytest.fixture
def no_request():
    handlers = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
    stop.reset()
    yield
    stop.reset()
    for number, handler in handlers:
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_becomes_a_request(no_request, number):
    stop.install()
    stop.raise_if_requested()
    os.kill(os.getpid(), number)
    assert stop.requested()
    with pytest.raises(StoppedError, match=signal.Signals(number).name) as caught:
        stop.raise_if_requested()
    assert caught.value.exit_status == 3


def test_second_signal_ends_at_once():
    program = (
        "import os, signal, time\nfrom common import stop\nstop.install()\n"
        "os.kill(os.getpid(), signal.SIGTERM)\nassert stop.requested()\n"
        "os.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(60)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=30).returncode == -signal.SIGTERM


def test_time_limit(no_request):
    stop.set_time_limit(0.05)
    assert not stop.requested()
    began = time.monotonic()
    assert stop.wait(10)
    assert time.monotonic() - began < 2
    assert "time limit" in stop.reason()


def test_wait_ends_early_on_a_request(no_request):
    assert not stop.wait(0.01)
    threading.Timer(0.05, stop.request).start()
    began = time.monotonic()
    assert stop.wait(10)
    assert time.monotonic() - began < 2
