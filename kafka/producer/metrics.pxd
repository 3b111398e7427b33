# Types for the compiled module.

cimport cython

from kafka.metrics.ledger cimport Ledger, Tally
from kafka.producer.batch cimport ProducerBatch


cdef class SenderMetrics:
    cpdef batch_sent(self, ProducerBatch batch, Py_ssize_t wire_bytes, double now_s)
    cpdef request_sent(self, list batches)
    cpdef throttled(self, throttle_time_ms)


cdef class RegisteredSenderMetrics(SenderMetrics):
    cdef object _metrics
    cdef Ledger _ledger
    cdef double _metadata_s
    cdef Tally _batch_size
    cdef Tally _compression
    cdef Tally _queue_time
    cdef Tally _records
    cdef Tally _retries
    cdef Tally _errors
    cdef Tally _record_size
    cdef Tally _throttle
    cdef Tally _waits
    cdef dict _topics

    @cython.locals(ratio=double, topic=_TopicSensors)
    cpdef batch_sent(self, ProducerBatch batch, Py_ssize_t wire_bytes, double now_s)
    @cython.locals(batch=ProducerBatch, records=Py_ssize_t)
    cpdef request_sent(self, list batches)
    cpdef _TopicSensors _topic(self, ProducerBatch batch)


cdef class _TopicSensors:
    cdef readonly Tally bytes
    cdef readonly Tally compression
    cdef readonly Tally errors
    cdef readonly Tally records
    cdef readonly Tally retries
