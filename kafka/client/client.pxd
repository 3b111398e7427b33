# Types for the compiled module.

cimport cython

from kafka.client.connection cimport BrokerConnection

from kafka.client.metadata cimport MetadataSchedule
from kafka.client.metrics cimport ClientMetrics

cdef object _DISCONNECTED


cdef class KafkaClient:
    cdef object _options
    cdef Py_ssize_t _max_in_flight
    cdef object _clock
    cdef object _random
    cdef object _cluster
    cdef ClientMetrics _metrics
    cdef object _policy
    cdef readonly object _selector
    cdef object _waker
    cdef bint _is_woken
    cdef bint _is_sleeping
    cdef bint _must_drain
    cdef bint _is_rung
    cdef list _ringing
    cdef object _resolver
    cdef object _tools
    cdef list _bootstrap
    cdef dict _nodes
    cdef list _leaving
    cdef tuple _connections
    cdef MetadataSchedule _metadata
    cdef double _metadata_at_s
    cdef object _seen_cluster
    cdef bint _sends_without_answer
    cdef double _closes_by_s
    cdef bint _is_closed
    cdef bint _has_called_back

    cpdef wake(self)
    @cython.locals(connection=BrokerConnection)
    cpdef bint can_send(self, node_id, double now_s) except -1
    @cython.locals(connection=BrokerConnection)
    cpdef double ready_in_s(self, node_id, double now_s) except? -1
    @cython.locals(connection=BrokerConnection)
    cpdef connect(self, node_id, double now_s)
    @cython.locals(connection=BrokerConnection)
    cpdef int version_for(self, node_id, request_class) except -1
    @cython.locals(connection=BrokerConnection, due_s=double)
    cpdef double next_deadline_s(self, double now_s) except? -1
    @cython.locals(connection=BrokerConnection)
    cpdef send(self, node_id, request, on_response, on_failure, on_written=*, timeout_s=*)
    cpdef begin_turn(self)
    @cython.locals(
        began_s=double, selecting_s=double, selected_s=double, ended_s=double, connection=BrokerConnection, with_data=list, events=list
    )
    cpdef double poll(self, double timeout_s, double turn_s=*) except? -1
    cpdef list _sleep(self, double timeout_s)
    cpdef _drain_waker(self)
    @cython.locals(connection=BrokerConnection)
    cpdef _prepare(self, double now_s)
    @cython.locals(connection=BrokerConnection)
    cpdef _flush_all(self)
    @cython.locals(connection=BrokerConnection)
    cpdef _check_time(self, double now_s)
    @cython.locals(quiet_until_s=double, due_s=double)
    cpdef double _next_metadata_s(self, double now_s) except? -1
    cpdef _ask_for_metadata(self, double now_s)
    @cython.locals(connection=BrokerConnection)
    cpdef _follow_cluster(self)
    @cython.locals(node=BrokerConnection)
    cpdef bint _has_ready_node(self) except -1
