# Types for the compiled module.

cimport cython


cdef class Outgoing:
    cdef list _buffers
    cdef Py_ssize_t _at
    cdef public Py_ssize_t size_bytes
    cdef public bint is_started
    cdef public bint is_written

    cpdef list next_buffers(self)
    @cython.locals(size=Py_ssize_t, buffers=list)
    cpdef bint advance(self, Py_ssize_t count) except -1


cdef class Request(Outgoing):
    cdef public object correlation_id
    cdef public object request_class
    cdef public int version
    cdef public double queued_at_s
    cdef public double deadline_s
    cdef public bint is_counted
    cdef public bint expects_response
    cdef public bint is_excused
    cdef public object on_response
    cdef public object on_failure
    cdef public object on_written


cdef class InFlight:
    cdef object _requests
    cdef public Py_ssize_t counted

    cpdef add(self, Request request)
    @cython.locals(request=Request)
    cpdef Request match(self, object correlation_id)
    cpdef remove(self, Request request)
    @cython.locals(request=Request)
    cpdef Request first_expired(self, double now_s)
    @cython.locals(request=Request)
    cpdef excuse(self, double since_s, double now_s)
    @cython.locals(request=Request, due_s=double)
    cpdef double next_deadline_s(self) except? -1
    @cython.locals(request=Request)
    cpdef double oldest_wait_s(self, double now_s) except? -1
