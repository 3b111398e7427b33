# Types for the compiled module.

cimport cython

cdef tuple _LAYOUTS
cdef tuple _ONE_BYTE


cdef class ProduceAnswer:
    cdef readonly object partitions
    cdef readonly object throttle_time_ms


@cython.locals(flexible=bint, partitions=dict, of_topic=dict, size=Py_ssize_t, count=Py_ssize_t, end=Py_ssize_t)
cpdef ProduceAnswer _plain_answer(int version, bytes data, Py_ssize_t at)

cpdef tuple _count(bytes data, Py_ssize_t at, bint flexible)

@cython.locals(size=Py_ssize_t)
cpdef tuple _name(bytes data, Py_ssize_t at, bint flexible)

@cython.locals(number=long, shift=int, byte=long)
cpdef tuple _unsigned(bytes data, Py_ssize_t at)

cpdef bytes _length(Py_ssize_t count, bint flexible)

cpdef bytes _varint(Py_ssize_t value)
