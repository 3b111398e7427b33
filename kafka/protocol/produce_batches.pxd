# Types for the compiled module.

cimport cython

cdef tuple _LAYOUTS
cdef tuple _ONE_BYTE


cdef class PartitionAnswer:
    cdef readonly int partition
    cdef readonly int error_code
    cdef readonly long long base_offset
    cdef readonly long long log_append_time_ms
    cdef readonly long long log_start_offset
    cdef readonly object record_errors
    cdef readonly object error_message

    cdef _fill(
        self, int partition, int error_code, long long base_offset, long long log_append_time_ms, long long log_start_offset, record_errors, error_message
    )


cdef class ProduceAnswer:
    cdef readonly dict partitions
    cdef readonly int throttle_time_ms

    @cython.locals(of_topic=dict)
    cpdef PartitionAnswer find(self, topic, index)


@cython.locals(flexible=bint, partitions=dict, of_topic=dict, begin=Py_ssize_t, size=Py_ssize_t, count=Py_ssize_t, fields=tuple, answer=PartitionAnswer)
cpdef ProduceAnswer _plain_answer(int version, bytes data, Py_ssize_t at)

cdef class _TopicBatches:
    cdef Py_ssize_t count
    cdef list chain


cdef class ProduceBatches:
    cdef readonly int version
    cdef int acks
    cdef int timeout_ms
    cdef bint flexible
    cdef dict _topics

    @cython.locals(of_topic=_TopicBatches, head=bytes, chain=list)
    cpdef add(self, str topic, int partition, list buffers, Py_ssize_t size_bytes)
    @cython.locals(flexible=bint, out=list, head=bytes, size=bytes, name=bytes, of_topic=_TopicBatches)
    cpdef list encode_chain(self, int version)


cpdef tuple _count(bytes data, Py_ssize_t at, bint flexible)

@cython.locals(size=Py_ssize_t)
cpdef tuple _name(bytes data, Py_ssize_t at, bint flexible)

@cython.locals(number=long, shift=int, byte=long)
cpdef tuple _unsigned(bytes data, Py_ssize_t at)

cpdef bytes _length(Py_ssize_t count, bint flexible)

cpdef bytes _varint(Py_ssize_t value)
