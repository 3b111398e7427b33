# Types for the compiled module.

cimport cython


@cython.locals(size=Py_ssize_t, head=bytes)
cpdef list request_frame(int api_key, int version, correlation_id, client_id, bint flexible, body)

@cython.locals(flexible=bint)
cpdef Py_ssize_t response_body_offset(request_class, int version, frame) except -1


cdef class FrameDecoder:
    cdef Py_ssize_t _max_bytes
    cdef bytearray _kept

    @cython.locals(kept=bytearray, frames=list, position=Py_ssize_t, size=Py_ssize_t, end=Py_ssize_t)
    cpdef list feed(self, received)
