# Types for the compiled module.

from kafka.metrics.ledger cimport Ledger, Tally


cdef class ClientMetrics:
    cpdef turned(self, double wait_s, double work_s, double now_s)
    cpdef bytes_sent(self, node_id, Py_ssize_t size_bytes)
    cpdef bytes_received(self, node_id, Py_ssize_t size_bytes)
    cpdef request_sent(self, node_id, Py_ssize_t size_bytes)
    cpdef response_received(self, node_id, double latency_s)


cdef class RegisteredClientMetrics(ClientMetrics):
    cdef object _metrics
    cdef Ledger _ledger
    cdef object _group
    cdef object _node_group
    cdef Py_ssize_t _connections
    cdef Tally _closed
    cdef Tally _created
    cdef Tally _select
    cdef Tally _io
    cdef Tally _all_bytes
    cdef _TrafficSensors _total
    cdef dict _nodes

    cpdef _TrafficSensors _node(self, node_id)


cdef class _TrafficSensors:
    cdef readonly Tally bytes_sent
    cdef readonly Tally bytes_received
    cdef readonly Tally requests
    cdef readonly Tally latency
    cdef readonly Tally throttle
