"""What other compiled modules see of records.pyx."""

from libc.stdint cimport int32_t, int64_t

from kafka._speedups.outcomes cimport FutureState


cdef class MemoryCounts:
    cdef readonly Py_ssize_t limit_bytes
    cdef readonly object waiters
    cdef Py_ssize_t _reserved
    cdef Py_ssize_t _granted
    cdef Py_ssize_t _released

    cdef Py_ssize_t _used(self) noexcept
    cpdef bint reserve(self, Py_ssize_t size_bytes) except -1
    cpdef unreserve(self, Py_ssize_t size_bytes)


cdef class RecordBuffer:
    cdef readonly bint is_closed
    cdef readonly bint is_sealing
    cdef unsigned char* _data
    cdef Py_ssize_t _used
    cdef Py_ssize_t _capacity
    cdef Py_ssize_t _appended
    cdef readonly Py_ssize_t open_bytes
    cdef readonly Py_ssize_t limit_bytes
    cdef readonly int64_t base_timestamp_ms
    cdef readonly int64_t max_timestamp_ms
    cdef readonly Py_ssize_t largest_bytes
    cdef readonly object result
    cdef Py_ssize_t _missing
    cdef readonly Py_ssize_t sendable_bytes
    cdef list _chained          # offset in the buffer, value, offset, value, ...
    cdef readonly object format
    cdef readonly Py_ssize_t expected_bytes
    cdef readonly Py_ssize_t size_bytes
    cdef readonly Py_ssize_t count
    cdef int _exports
    cdef bint _is_dropped

    cdef void _begin(
        self, object format, object result, int64_t base_timestamp_ms, Py_ssize_t sendable_bytes, Py_ssize_t limit_bytes, Py_ssize_t expected_bytes
    ) noexcept
    cdef FutureState _append(
        self, MemoryCounts memory, Py_ssize_t granted, int64_t timestamp_ms, bytes key, bytes value, object headers, int32_t header_size
    )
    cdef int _grow(self, Py_ssize_t needed) except -1
    cdef void _close(self) noexcept
    cdef void _trim(self) noexcept
    cdef list _chain(self, Py_ssize_t begin)
    cdef Py_ssize_t _size_of_records(self) except -1
    cdef void _free_if_unused(self) noexcept
