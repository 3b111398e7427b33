# Types for the compiled module.

cimport cython


cdef class SystemClock:
    cpdef double monotonic(self) except? -1
    cpdef time(self)
    @cython.locals(left_s=double)
    cpdef bint wait(self, latch, deadline_s) except -1
