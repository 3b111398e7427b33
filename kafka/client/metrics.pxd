# Types for the compiled module.

from kafka.metrics.ledger cimport Ledger


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
    cdef object _closed
    cdef object _created
    cdef object _select
    cdef object _io
    cdef object _all_bytes
    cdef _TrafficSensors _total
    cdef dict _nodes

    cpdef _TrafficSensors _node(self, node_id)


cdef class _TrafficSensors:
    cdef readonly object bytes_sent
    cdef readonly object bytes_received
    cdef readonly object requests
    cdef readonly object latency
    cdef readonly object throttle
