# Types for the compiled module.


cdef class PartitionQueue:
    cdef readonly object topic_partition
    cdef readonly str topic
    cdef readonly int index
    cdef readonly object slot
    cdef readonly object batches
    cdef public Py_ssize_t in_flight
    cdef public object probe
    cdef public Py_ssize_t proven_bytes
    cdef public object place
    cdef public PartitionQueue before
    cdef public PartitionQueue after
    cdef public object home
    cdef public Py_ssize_t home_version
    cdef public object wakes_at_s
    cdef public object expires_at_s
    cdef object __weakref__
