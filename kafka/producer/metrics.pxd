# Types for the compiled module.

cimport cython

from kafka.metrics.ledger cimport Ledger, Tally
from kafka.producer.batch cimport ProducerBatch


cdef class SenderMetrics:
    cpdef request_sent(self, list batches, double now_s)
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

    @cython.locals(batch=ProducerBatch, records=Py_ssize_t, in_records=double, ratio=double, sensors=_TopicSensors)
    cpdef request_sent(self, list batches, double now_s)
    cpdef _TopicSensors _topic(self, ProducerBatch batch)


cdef class _TopicSensors:
    cdef readonly Tally bytes
    cdef readonly Tally compression
    cdef readonly Tally errors
    cdef readonly Tally records
    cdef readonly Tally retries
