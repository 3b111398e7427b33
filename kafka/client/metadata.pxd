# Types for the compiled module.


cdef class MetadataSchedule:
    cdef object _cluster
    cdef double _max_age_s
    cdef object _backoff
    cdef set _asked_topics
    cdef dict _refused
    cdef dict _asked_about
    cdef double _not_before_s
    cdef object _succeeded_at_s
    cdef object _failing_since_s
    cdef object _asked_at_s
    cdef readonly bint must_rebootstrap
    cdef int _generation
    cdef readonly int answers

    cpdef bint is_stuck(self, double now_s) except -1
    cpdef double quiet_until_s(self) except? -1
