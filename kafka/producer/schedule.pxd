# Types for the compiled module.

cimport cython

from kafka.producer.batch cimport ProducerBatch
from kafka._speedups.partition_queue cimport PartitionQueue as CompiledPartitionQueue

cdef object _OPEN


cdef class ReadyLine:
    cdef readonly CompiledPartitionQueue first
    cdef readonly CompiledPartitionQueue last

    @cython.locals(last=CompiledPartitionQueue)
    cpdef append(self, CompiledPartitionQueue queue)
    @cython.locals(before=CompiledPartitionQueue, after=CompiledPartitionQueue)
    cpdef remove(self, CompiledPartitionQueue queue)


cdef class Schedule:
    cdef double _linger_s
    cdef bint _keeps_order
    cdef object _leader_of
    cdef double _longest_wait_s
    cdef dict _lines
    cdef Py_ssize_t _leaders_version
    cdef list _wakes
    cdef Py_ssize_t _most_wakes
    cdef list _expiries
    cdef object _tie
    cdef public bint is_hurrying

    @cython.locals(due_s=double)
    cpdef consider(self, CompiledPartitionQueue queue, double now_s)
    @cython.locals(head=ProducerBatch)
    cpdef double _due_s(self, CompiledPartitionQueue queue) except? -1
    cpdef _line_up(self, CompiledPartitionQueue queue)
    @cython.locals(home=ReadyLine)
    cpdef ReadyLine _home_of(self, CompiledPartitionQueue queue)
    cpdef run_timers(self, double now_s)
    cpdef double next_timer_s(self) except? -1
    cpdef list leaders(self)
    @cython.locals(line=ReadyLine, batches=list, size_bytes=Py_ssize_t, queue=CompiledPartitionQueue, head=ProducerBatch)
    cpdef list take(self, leader, Py_ssize_t max_bytes)
    @cython.locals(queue=CompiledPartitionQueue)
    cpdef put_back(self, ProducerBatch batch, double now_s)
    @cython.locals(queue=CompiledPartitionQueue)
    cpdef forget(self, ProducerBatch batch)
    cpdef list take_expired(self, double now_s)
    cpdef _leave_line(self, CompiledPartitionQueue queue)
    @cython.locals(oldest=ProducerBatch)
    cpdef double _expires_s(self, CompiledPartitionQueue queue) except? -1
    @cython.locals(due_s=double)
    cpdef _watch_expiry(self, CompiledPartitionQueue queue)
