"""Lines of numbers for PostScript files and listings, fast enough for millions of segments."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdio cimport snprintf
from libc.string cimport memcpy


def segment_lines(const double[::1] x1, const double[::1] y1, const double[::1] x2, const double[::1] y2, const int[::1] colour,
                  list colours):
    """Segments as ``2F7.2 mt 2F7.2 ls`` lines.

    Parameters
    ----------
    x1, y1, x2, y2 : points on the page
    colour : index into `colours` for each segment, -1 for black
    colours : list of bytes
        Commands that set a colour, with a line end; black is set again after the segment.

    Returns
    -------
    bytes
    """
    cdef Py_ssize_t n = x1.shape[0], k, length = 0, longest = 0, position = 0
    cdef bytes black = b"0 0 0 setrgbcolor\n", text
    cdef char* at
    cdef int written
    for text in colours:
        longest = max(longest, len(text))
    buffer = PyBytes_FromStringAndSize(NULL, n * (120 + longest + len(black)) + 1)
    at = PyBytes_AS_STRING(buffer)
    for k in range(n):
        if colour[k] >= 0:
            text = colours[colour[k]]
            length = len(text)
            memcpy(at + position, PyBytes_AS_STRING(text), length)
            position += length
        written = snprintf(at + position, 120, b"%7.2f%7.2f mt %7.2f%7.2f ls\n", x1[k], y1[k], x2[k], y2[k])
        position += min(written, 119)
        if colour[k] >= 0:
            memcpy(at + position, PyBytes_AS_STRING(black), len(black))
            position += len(black)
    return buffer[:position]


def integer_lines(const Py_ssize_t[::1] values, int width):
    """One integer per line, right-justified: bytes."""
    cdef Py_ssize_t n = values.shape[0], k, position = 0
    buffer = PyBytes_FromStringAndSize(NULL, n * (width + 24) + 1)
    cdef char* at = PyBytes_AS_STRING(buffer)
    for k in range(n):
        position += snprintf(at + position, width + 24, b"%*ld\n", width, <long>values[k])
    return buffer[:position]
