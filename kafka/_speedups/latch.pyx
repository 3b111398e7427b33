# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, nonecheck=False
"""The gate that threads wait at, compiled.

Imported by: _accel.  Imports: nothing of ours.
"""

import threading
import time

from libc.math cimport INFINITY, ceil, isnan

cdef extern from "Python.h":
    ctypedef void* PyThread_type_lock
    ctypedef enum PyLockStatus:
        PY_LOCK_FAILURE
        PY_LOCK_ACQUIRED
        PY_LOCK_INTR
    PyThread_type_lock PyThread_allocate_lock() nogil
    void PyThread_free_lock(PyThread_type_lock) nogil
    PyLockStatus PyThread_acquire_lock_timed(PyThread_type_lock, long long, int) nogil
    void PyThread_release_lock(PyThread_type_lock) nogil
    int Py_MakePendingCalls() except -1

cdef double FOR_EVER = -1.0, LONGEST_S = 1.0  # those of kafka._clock
cdef object _plain_lock = threading.Lock if threading.Lock.__module__ == "_thread" else None  # gevent may have been there before


cdef class Latch:
    """Twin: kafka._clock.PythonLatch."""

    cdef readonly bint is_open
    cdef PyThread_type_lock _lock
    cdef object _gate           # in its place where threads are not the system's: gevent's and eventlet's have locks of their own

    def __cinit__(self):
        if threading.Lock is not _plain_lock:  # or has come since
            self._gate = threading.Lock()
            self._gate.acquire()
            return
        self._lock = PyThread_allocate_lock()
        if self._lock == NULL:
            raise MemoryError
        PyThread_acquire_lock_timed(self._lock, 0, 0)

    def __dealloc__(self):
        if self._lock != NULL:
            PyThread_free_lock(self._lock)

    cpdef open(self):
        if self.is_open:
            return
        self.is_open = True
        if self._lock == NULL:
            self._gate.release()
        else:
            PyThread_release_lock(self._lock)

    cpdef bint block(self, double timeout_s) except -1:
        cdef PyLockStatus status
        cdef double deadline_s = 0.0, left_s = INFINITY, piece_s
        if isnan(timeout_s):
            raise ValueError("Invalid value NaN (not a number)")
        if self.is_open:
            return True
        if timeout_s != FOR_EVER:
            deadline_s = time.monotonic() + timeout_s
        while True:
            if timeout_s != FOR_EVER:
                left_s = deadline_s - time.monotonic()
            piece_s = max(0.0, min(left_s, LONGEST_S))
            if self._lock == NULL:
                if self._gate.acquire(timeout=piece_s):
                    self._gate.release()  # passes the gate on to the next waiter
                    return True
                status = PY_LOCK_FAILURE
            else:
                with nogil:
                    status = PyThread_acquire_lock_timed(self._lock, <long long>ceil(piece_s * 1e6), 1)
                if status == PY_LOCK_ACQUIRED:
                    PyThread_release_lock(self._lock)
                    return True
                Py_MakePendingCalls()  # signal handlers run here, and what they raise gets out
            if self.is_open or (status == PY_LOCK_FAILURE and left_s <= LONGEST_S):
                return self.is_open
