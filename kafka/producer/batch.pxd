# Types for the compiled module.

cimport cython

from kafka.producer.partition_queue cimport PartitionQueue

cdef object _OPEN
cdef object _SEALED


cdef class ProducerBatch:
    cdef readonly PartitionQueue partition
    cdef public object records
    cdef readonly object result
    cdef readonly object topic_partition
    cdef readonly double created_s
    cdef readonly tuple number
    cdef public object state
    cdef readonly Py_ssize_t size_bytes
    cdef readonly Py_ssize_t record_count
    cdef public Py_ssize_t wire_bytes
    cdef public bint lingers
    cdef public Py_ssize_t attempts
    cdef public bint may_be_written
    cdef public double not_before_s
    cdef public object last_error

    cpdef seal(self)
    cpdef list assemble(self, codec, int magic, list made_ahead=*)
    cpdef fail(self, error, record_errors=?)
    cpdef let_go(self)
    cpdef transition(self, state)
