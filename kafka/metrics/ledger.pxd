# Types for the compiled module.

cimport cython


cdef class Ledger:
    cdef object _rows
    cdef double _post_at_s
    cdef object _noted_ms

    cpdef note(self, sensor, value)
    cpdef turn_over(self, double now_s)
    @cython.locals(values=dict, found=list)
    cpdef post(self)
