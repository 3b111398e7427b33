# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, nonecheck=False
"""Sockets, the one select and what interrupts it, by Linux's system calls.

Those that take a microsecond or two keep the interpreter: a thread that lets go of it for so long has another take it, and then waits for its turn.
The waker is watched edge by edge, so that nobody need empty it.

Imported by: _accel.  Imports: outcomes.
"""

import selectors
import socket

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.exc cimport PyErr_CheckSignals, PyErr_SetFromErrno
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.errno cimport EBADF, EINTR, errno
from libc.math cimport ceil
from libc.stdint cimport uint32_t, uint64_t

from kafka._speedups.outcomes cimport Watch

cdef extern from "<sys/uio.h>" nogil:
    struct iovec:
        void* iov_base
        size_t iov_len

cdef extern from "<sys/socket.h>" nogil:
    struct msghdr:
        iovec* msg_iov
        size_t msg_iovlen

    ssize_t sendmsg(int, const msghdr*, int)
    ssize_t recv(int, void*, size_t, int)
    int MSG_NOSIGNAL

cdef extern from "<sys/epoll.h>" nogil:
    ctypedef union epoll_data_t:
        int fd

    struct epoll_event:
        uint32_t events
        epoll_data_t data

    int epoll_create1(int)
    int epoll_ctl(int, int, int, epoll_event*)
    int epoll_wait(int, epoll_event*, int, int)
    int EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL
    uint32_t EPOLLIN, EPOLLOUT, EPOLLET

cdef extern from "<sys/eventfd.h>" nogil:
    int eventfd(unsigned int, int)
    int EFD_CLOEXEC, EFD_NONBLOCK

cdef extern from "<unistd.h>" nogil:
    ssize_t write(int, const void*, size_t)
    int close(int)

cdef extern from "<string.h>" nogil:
    void* memset(void*, int, size_t)

cdef enum:
    READ = 1                    # selectors.EVENT_READ
    WRITE = 2                   # selectors.EVENT_WRITE
    MOST_EVENTS = 64            # of one select
    MOST_BUFFERS = 1024         # of one sendmsg(); IOV_MAX
    QUICK_BYTES = 16384         # what is copied to the system in a few microseconds

cdef double LONGEST_S = 2_000_000.0  # what epoll_wait() can count, in milliseconds of 31 bits

cdef object _new_key = selectors.SelectorKey


cdef object _raise(int number):
    global errno
    errno = number
    PyErr_SetFromErrno(OSError)


cdef class SocketStream:
    """Twin: kafka._transport.PythonSocketStream."""

    cdef object _socket
    cdef int _descriptor

    def __init__(self, sock):
        self._socket = sock
        self._descriptor = sock.fileno()

    def fileno(self):
        return self._descriptor

    def finish_connect(self):
        cdef int failure = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failure:
            _raise(failure)

    def send(self, list buffers not None):
        cdef Py_buffer* views
        cdef iovec* chain
        cdef Py_ssize_t count = min(<Py_ssize_t>len(buffers), <Py_ssize_t>MOST_BUFFERS)
        cdef Py_ssize_t taken = 0
        cdef size_t size = 0
        cdef ssize_t sent
        cdef msghdr message
        if self._descriptor < 0:
            _raise(EBADF)
        views = <Py_buffer*>PyMem_Malloc(count * (sizeof(Py_buffer) + sizeof(iovec)))
        if views == NULL:
            raise MemoryError
        chain = <iovec*>(views + count)
        memset(&message, 0, sizeof(message))
        message.msg_iov = chain
        message.msg_iovlen = count
        try:
            while taken < count:
                PyObject_GetBuffer(buffers[taken], views + taken, PyBUF_SIMPLE)
                chain[taken].iov_base = views[taken].buf
                chain[taken].iov_len = views[taken].len
                size += views[taken].len
                taken += 1
            while True:
                if size <= QUICK_BYTES:
                    sent = sendmsg(self._descriptor, &message, MSG_NOSIGNAL)
                else:
                    with nogil:
                        sent = sendmsg(self._descriptor, &message, MSG_NOSIGNAL)
                if sent >= 0:
                    return sent
                if errno != EINTR:
                    PyErr_SetFromErrno(OSError)
                PyErr_CheckSignals()
        finally:
            while taken:
                taken -= 1
                PyBuffer_Release(views + taken)
            PyMem_Free(views)

    def recv_into(self, buffer):
        cdef Py_buffer view
        cdef ssize_t count
        if self._descriptor < 0:
            _raise(EBADF)
        PyObject_GetBuffer(buffer, &view, PyBUF_WRITABLE)
        try:
            while True:
                count = recv(self._descriptor, view.buf, view.len, 0)
                if count >= 0:
                    return count
                if errno != EINTR:
                    PyErr_SetFromErrno(OSError)
                PyErr_CheckSignals()
        finally:
            PyBuffer_Release(&view)

    def shutdown_write(self):
        self._socket.shutdown(socket.SHUT_WR)

    def close(self):
        self._descriptor = -1
        self._socket.close()


cdef class EventWaker:
    """In the place of kafka._transport.SocketWaker, for EpollSelector alone: its counter is never read."""

    cdef int _descriptor

    def __cinit__(self):
        self._descriptor = -1

    def __init__(self):
        self._descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)
        if self._descriptor < 0:
            PyErr_SetFromErrno(OSError)

    def __dealloc__(self):
        if self._descriptor >= 0:
            close(self._descriptor)

    def fileno(self):
        return self._descriptor

    def wake(self):
        cdef uint64_t one = 1
        if self._descriptor >= 0:
            write(self._descriptor, &one, sizeof(one))  # can fail only where nobody ever looked

    def drain(self):
        pass

    def close(self):
        cdef int descriptor = self._descriptor
        self._descriptor = -1
        if descriptor >= 0:
            close(descriptor)


cdef class EpollSelector:
    """What is used of selectors.EpollSelector, whose verbs these are."""

    cdef int _descriptor
    cdef dict _keys             # by file descriptor
    cdef readonly Watch watch

    def __cinit__(self):
        self._descriptor = -1

    def __init__(self):
        self._keys = {}
        self.watch = Watch()
        self._descriptor = epoll_create1(EPOLL_CLOEXEC)
        if self._descriptor < 0:
            PyErr_SetFromErrno(OSError)

    def __dealloc__(self):
        if self._descriptor >= 0:
            close(self._descriptor)

    cdef int _control(self, int operation, int descriptor, int mask, bint is_waker) except -1:
        cdef epoll_event event
        event.data.fd = descriptor
        event.events = (EPOLLIN if mask & READ else 0) | (EPOLLOUT if mask & WRITE else 0) | (EPOLLET if is_waker else 0)
        if epoll_ctl(self._descriptor, operation, descriptor, &event) < 0:
            PyErr_SetFromErrno(OSError)
        return 0

    def register(self, watched, int events, data=None):
        cdef int descriptor = watched.fileno()
        if descriptor in self._keys:
            raise KeyError(f"{watched!r} (FD {descriptor}) is already registered")
        self._control(EPOLL_CTL_ADD, descriptor, events, isinstance(watched, EventWaker))
        key = self._keys[descriptor] = _new_key(watched, descriptor, events, data)
        return key

    def modify(self, watched, int events, data=None):
        cdef int descriptor = watched.fileno()
        if descriptor not in self._keys:
            raise KeyError(f"{watched!r} is not registered")
        self._control(EPOLL_CTL_MOD, descriptor, events, isinstance(watched, EventWaker))
        key = self._keys[descriptor] = _new_key(watched, descriptor, events, data)
        return key

    def unregister(self, watched):
        cdef int descriptor = watched.fileno()
        key = self._keys.pop(descriptor, None)
        if key is None:
            raise KeyError(f"{watched!r} is not registered")
        try:
            self._control(EPOLL_CTL_DEL, descriptor, 0, False)
        except OSError:
            pass  # closed, and with it gone from the list
        return key

    def select(self, timeout=None):
        """[(key, mask), ...]; empty where time is up or a signal came."""
        cdef epoll_event events[MOST_EVENTS]
        cdef int timeout_ms = -1
        cdef int count, index, mask
        cdef double timeout_s
        cdef Watch watch = self.watch
        cdef list found = []
        if timeout is not None:
            timeout_s = timeout
            timeout_ms = 0 if timeout_s <= 0 else <int>ceil(min(timeout_s, LONGEST_S) * 1000)
        if self._descriptor < 0:
            raise ValueError("I/O operation on closed epoll object")
        with nogil:
            watch.io_thread_sleeps = True
            count = epoll_wait(self._descriptor, events, MOST_EVENTS, timeout_ms)
            watch.io_thread_sleeps = False
        if count < 0:
            if errno != EINTR:
                PyErr_SetFromErrno(OSError)
            PyErr_CheckSignals()
            return found
        for index in range(count):
            key = self._keys.get(events[index].data.fd)
            if key is not None:
                mask = (WRITE if events[index].events & ~EPOLLIN else 0) | (READ if events[index].events & ~EPOLLOUT else 0)
                found.append((key, mask & <int>key[2]))
        return found

    def close(self):
        cdef int descriptor = self._descriptor
        self._descriptor = -1
        self._keys.clear()
        if descriptor >= 0:
            close(descriptor)
