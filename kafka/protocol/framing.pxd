# Types for the compiled module.

cimport cython


cdef class FrameDecoder:
    cdef Py_ssize_t _max_bytes
    cdef bytearray _kept

    @cython.locals(kept=bytearray, frames=list, position=Py_ssize_t, size=Py_ssize_t, end=Py_ssize_t)
    cpdef list feed(self, received)
