cdef object aligned_empty(Py_ssize_t n)
