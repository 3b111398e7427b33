# Types for the compiled module.

cimport cython

from kafka._speedups.partition_queue cimport PartitionQueue as CompiledPartitionQueue

cdef object _OPEN
cdef object _SEALED


cdef class ProducerBatch:
    cdef readonly CompiledPartitionQueue partition
    cdef public object records
    cdef readonly object result
    cdef readonly object topic_partition
    cdef readonly double created_s
    cdef readonly long long number
    cdef readonly tuple part
    cdef public object state
    cdef readonly Py_ssize_t size_bytes
    cdef readonly Py_ssize_t record_count
    cdef public Py_ssize_t wire_bytes
    cdef public bint lingers
    cdef public Py_ssize_t attempts
    cdef public bint may_be_written
    cdef public double not_before_s
    cdef public object last_error
    cdef object after                   # the next one of its queue: _speedups/partition_queue.pyx

    cdef _begin(self, CompiledPartitionQueue partition, records, result, double created_s, long long number, tuple part)
    cpdef bint precedes(self, ProducerBatch other) except -1
    cpdef seal(self)
    cpdef list assemble(self, codec, int magic, list made_ahead=*)
    cpdef fail(self, error, record_errors=?)
    cpdef let_go(self)
    cpdef transition(self, state)
