"""Files that are either the old version or the whole new one, whatever happens while they are written."""

import os
import stat
import tempfile
from contextlib import contextmanager, suppress


@contextmanager
def atomic_write(path, mode="w", *, encoding="ascii", newline="\n", durable=True):
    """Open a file for writing that takes its name only when it is complete.

    The text goes to a temporary file in the same folder, which is flushed to the disk and renamed over ``path`` at the end
    of the ``with`` block. After an error, or a kill at any moment, ``path`` is what it was before.

    Parameters
    ----------
    path : str or path-like
        A symbolic link is followed. A device or a pipe (``/dev/stdout``) is written directly.
    mode : {"w", "wb"}
    encoding, newline : str
        For text; the formats of the suite are plain ASCII with Unix line ends.
    durable : bool
        Whether to wait for the disk before the rename. False is for files that are written often and can be made again.

    Yields
    ------
    file
        Open for writing.

    Raises
    ------
    OSError
        The folder is missing or not writable, or the disk is full; ``filename`` is the path asked for.
    """
    if mode not in ("w", "wb"):
        raise ValueError(f"mode {mode!r}: atomic_write writes whole files, 'w' or 'wb'")
    text = {} if mode == "wb" else {"encoding": encoding, "newline": newline}
    target = os.path.realpath(path)
    permissions = None
    with suppress(FileNotFoundError):
        status = os.stat(target)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(21, "is a directory", os.fspath(path))
        if not stat.S_ISREG(status.st_mode):
            with open(target, mode, **text) as file:
                yield file
            return
        permissions = stat.S_IMODE(status.st_mode)
    folder, name = os.path.split(target)
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{name}.", suffix=".part", dir=folder)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, os.fspath(path)) from None
    try:
        with open(descriptor, mode, **text) as file:
            yield file
            file.flush()
            # mkstemp makes private files; the result gets the permissions an ordinary open() would have given it.
            os.fchmod(file.fileno(), 0o666 & ~_umask() if permissions is None else permissions)
            if durable:
                os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    if durable:
        _sync_folder(folder)


def _umask():
    """The permission mask of this process; Linux tells it without changing it."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            for line in status:
                if line.startswith("Umask:"):
                    return int(line.split()[1], 8)
    except OSError:
        pass
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _sync_folder(folder):
    """Make the rename itself durable, where the file system lets a folder be synchronised."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
