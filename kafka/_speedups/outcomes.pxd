"""What other compiled modules see of outcomes.pyx."""

from cpython.object cimport PyObject
from libc.stdint cimport int32_t, int64_t

cdef extern from "Python.h":
    void PyObject_GC_UnTrack(void*)


cdef class Watch:
    cdef volatile bint io_thread_sleeps     # written by the I/O thread, without the interpreter
    cdef readonly bint is_taken             # somebody looks
    cdef readonly int in_vain               # looks that saw no outcome, less those that did; at least 0, at most 10
    cdef readonly int passed_over           # waits to come that have no look

    cdef int _look(self, const volatile bint* settled) except -1


cdef struct _Entry:
    PyObject* future
    PyObject* function
    int kind


cdef class CompletionState:
    cdef public object home
    cdef public bint done
    cdef public bint settled
    cdef public object value
    cdef public object exception
    cdef public object looks
    cdef public object parts
    cdef list _waiters
    cdef list _callbacks

    cdef int _register(self, FutureState future, int kind, object function) except -1
    cpdef move_callbacks(self)
    cpdef list take_callbacks(self)
    cdef int _run_callbacks(self, bint on_io_thread) except -1
    cdef int _finish(self, bint on_io_thread) except -1
    cpdef add_waiter(self, latch)
    cpdef remove_waiter(self, latch)
    cpdef bint wait_until(self, deadline_s, what=*) except -1
    cpdef release_waiters(self)
    cdef int _call(self, FutureState future, int kind, object function, bint on_io_thread) except -1
    cdef object _shown(self, FutureState future, object exception)
    cpdef object value_of(self, FutureState future)
    cpdef object exception_of(self, FutureState future)


cdef class FutureState:
    cdef CompletionState _of
    cdef public int32_t _position
    cdef readonly int32_t _key_size
    cdef readonly int32_t _value_size
    cdef readonly int32_t _header_size
    cdef readonly int64_t _timestamp_ms


cdef class FutureRecordMetadata(FutureState):
    cdef dict _attributes       # what users put here
    cdef object __weakref__


cdef class ProduceResultState(CompletionState):
    cdef _Entry* _entries
    cdef Py_ssize_t _entry_count
    cdef Py_ssize_t _entry_capacity
    cdef public object topic_partition
    cdef public int64_t base_offset
    cdef public int64_t log_append_time_ms
    cdef public object record_errors
    cdef public object checksums
    cdef public bint has_timestamps
    cdef public int32_t first_position

    cdef bint _is_in_order(self) noexcept


cdef class FutureProduceResult(ProduceResultState):
    pass


cdef inline void _begin_result(ProduceResultState result, object topic_partition, object home) noexcept:
    result.home = home
    result.topic_partition = topic_partition
    PyObject_GC_UnTrack(<PyObject*>result)


cdef inline ProduceResultState new_result(object topic_partition, object home):
    cdef ProduceResultState result = FutureProduceResult.__new__(FutureProduceResult)
    _begin_result(result, topic_partition, home)
    return result


cdef inline FutureState new_future(CompletionState result):
    cdef FutureState future = FutureRecordMetadata.__new__(FutureRecordMetadata)
    future._of = result
    return future
