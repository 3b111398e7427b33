# Types for the compiled module.

cimport cython

from kafka.client.inflight cimport Outgoing
from kafka.protocol.framing cimport FrameDecoder


cdef class Channel:
    cdef object _stream
    cdef object _tls
    cdef FrameDecoder _decoder
    cdef object _on_written
    cdef object _queue
    cdef object _encrypted
    cdef object _buffer
    cdef public bint has_more_to_read

    cpdef queue(self, Outgoing outgoing)
    cpdef bint has_unsent(self) except -1
    @cython.locals(sent=Py_ssize_t, count=Py_ssize_t, first=Outgoing, written=Outgoing)
    cpdef Py_ssize_t flush(self) except -1
    @cython.locals(received=Py_ssize_t, count=Py_ssize_t, frames=list)
    cpdef tuple read(self)
