# Types for the compiled module.

cimport cython

from kafka.client.channel cimport Channel
from kafka.client.inflight cimport InFlight, Outgoing, Request
from kafka.client.negotiation cimport response_from

from kafka.client.metrics cimport ClientMetrics

cdef object _READY


cdef class BrokerConnection:
    cdef public object node_id
    cdef public object address
    cdef public object state
    cdef public InFlight in_flight
    cdef public object table
    cdef public object last_error
    cdef public bint is_suspect
    cdef public bint is_ready
    cdef public bint is_retiring
    cdef public double retry_at_s
    cdef public double throttled_until_s
    cdef public double began_s
    cdef public object backoff
    cdef object _tools
    cdef ClientMetrics _metrics
    cdef object _clock
    cdef object _client_id
    cdef double _max_idle_s
    cdef object _addresses
    cdef object _stream
    cdef object _tls
    cdef Channel _channel
    cdef object _handshake
    cdef dict _versions
    cdef int _mask
    cdef double _setup_deadline_s
    cdef double _tcp_deadline_s
    cdef double _silence_at_s
    cdef double _retire_at_s
    cdef double _idle_since_s
    cdef double _ready_since_s
    cdef int _slow_attempts
    cdef object _next_correlation_id
    cdef bint _closed_on_versions
    cdef bint _was_useful
    cdef double _last_counted_s
    cdef bint _is_counted

    cpdef bint is_quiet(self, double now_s) except -1
    cpdef bint is_unsure(self, double now_s) except -1
    cpdef bint has_more_to_read(self) except -1
    @cython.locals(busy=Py_ssize_t)
    cpdef double next_deadline_s(self) except? -1
    cpdef version_for(self, request_class)
    @cython.locals(now_s=double, entry=Request)
    cpdef enqueue(self, request, double timeout_s, bint is_counted, on_response, on_failure, on_written)
    cpdef bint has_unsent(self) except -1
    cpdef bint waits_to_write(self) except -1
    @cython.locals(channel=Channel, sent=Py_ssize_t)
    cpdef flush(self)
    cpdef on_selected(self, int mask)
    cpdef try_flush(self)
    cpdef _handle(self, int mask)
    @cython.locals(channel=Channel)
    cpdef _read(self)
    @cython.locals(request=Request, now_s=double)
    cpdef _on_answer(self, bytes frame)
    @cython.locals(throttle_ms=long)
    cpdef _note_answer(self, Request request, response, double now_s)
    cpdef check_time(self, double now_s)
    cpdef close_if_retired(self)
    cpdef _watch(self, int mask)
    cpdef Channel _the_channel(self)
