"""What other compiled modules see of partition_queue.pyx."""


cdef class PartitionQueue:
    cdef public object records          # with many partitions each record finds another queue in no cache: what it reads comes first
    cdef public object open
    cdef readonly object first          # the oldest batch that waits, which is linked to those after it
    cdef public PartitionQueue after
    cdef public PartitionQueue before
    cdef public object place
    cdef public Py_ssize_t in_flight
    cdef readonly Py_ssize_t backlog
    cdef public object probe
    cdef public Py_ssize_t proven_bytes
    cdef object _newest
    cdef readonly str topic
    cdef readonly int index
    cdef readonly bint is_retired
    cdef public Py_ssize_t home_version
    cdef public object home
    cdef readonly object topic_partition
    cdef public object wakes_at_s
    cdef public object expires_at_s
    cdef object __weakref__

    cpdef enqueue(self, batch)
    cpdef take_first(self)
    cpdef put_back(self, batch)
    cpdef bint remove(self, batch) except -1
    cdef void _fetch_what_comes(self) noexcept
