# Types for the compiled module.

cimport cython

from kafka.metrics.ledger cimport Ledger
from kafka.producer.batch cimport ProducerBatch


cdef class SenderMetrics:
    cpdef batch_sent(self, ProducerBatch batch, Py_ssize_t wire_bytes, double now_s)
    cpdef request_sent(self, list batches)
    cpdef throttled(self, throttle_time_ms)


cdef class RegisteredSenderMetrics(SenderMetrics):
    cdef object _metrics
    cdef Ledger _ledger
    cdef double _metadata_s
    cdef object _batch_size
    cdef object _compression
    cdef object _queue_time
    cdef object _records
    cdef object _retries
    cdef object _errors
    cdef object _record_size
    cdef object _throttle
    cdef object _waits
    cdef dict _topics

    @cython.locals(ratio=double, topic=_TopicSensors)
    cpdef batch_sent(self, ProducerBatch batch, Py_ssize_t wire_bytes, double now_s)
    @cython.locals(batch=ProducerBatch, records=Py_ssize_t)
    cpdef request_sent(self, list batches)
    cpdef _TopicSensors _topic(self, ProducerBatch batch)


cdef class _TopicSensors:
    cdef readonly object bytes
    cdef readonly object compression
    cdef readonly object errors
    cdef readonly object records
    cdef readonly object retries
