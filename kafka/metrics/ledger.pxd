# Types for the compiled module.

cimport cython


cdef class Tally:
    cdef readonly object sensor
    cdef readonly list values


cdef class Ledger:
    cdef list _noted
    cdef Py_ssize_t _count
    cdef double _post_at_s
    cdef object _noted_ms
    cdef object _turn
    cdef bint _has_complained

    cpdef note(self, Tally tally, double value)
    cpdef turn_over(self, double now_s)
    @cython.locals(tally=Tally, count=Py_ssize_t, values=list)
    cpdef post(self)
