# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, nonecheck=False
"""The way of a record through send(), compiled: its bytes, its future, its batch's outcome.

Each function and class names its Python twin, and tests/parity holds them equal.  What one call does here nothing can
interrupt (no Python code runs in it, so that neither signal handlers nor other threads come between), which is why it takes no lock.
An allocation may run the garbage collector and with it anybody's code on Python before 3.12: every method allocates first, and looks at
what it is about to change after that.

Imported by: _accel.  Imports: nothing of ours; what it needs of Python code is given to install().
"""

import time as _time
from functools import partial

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.buffer cimport PyBuffer_FillInfo
from cpython.dict cimport PyDict_GetItemWithError
from cpython.list cimport PyList_CheckExact, PyList_GET_ITEM, PyList_GET_SIZE
from cpython.long cimport PyLong_CheckExact
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from cpython.tuple cimport PyTuple_SET_ITEM
from cpython.unicode cimport PyUnicode_CheckExact
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy

from kafka._speedups.murmur2 cimport murmur2
from kafka._speedups.varint cimport varint_size, write_varint

cdef extern from "Python.h":
    ctypedef struct PyTypeObject:
        PyObject* (*tp_alloc)(PyTypeObject*, Py_ssize_t)
    void PyObject_GC_UnTrack(void*)
    void PyObject_GC_Track(void*)
    int PyObject_GC_IsTracked(object)
    Py_ssize_t Py_SIZE(object)  # of a deque too
    object PyObject_CallOneArg(object, object)
    int PyCFunction_CheckExact(object)
    void* PyCFunction_GetFunction(object) except NULL
    int PyObject_GenericSetAttr(object, object, object) except -1

cdef extern from *:
    """
    #include <stdint.h>
    #include <time.h>

    static int64_t now_ms(void) {
        struct timespec now;
        timespec_get(&now, TIME_UTC);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    }
    """
    int64_t now_ms() noexcept

cdef enum:
    ON_SUCCESS = 0
    ON_ERROR = 1
    ON_BOTH = 2
    HEADER_SIZE = 61            # of a batch in format 2; tests/parity checks this and the next three against record.layout
    LENGTH_COUNTS_FROM = 12
    CRC_AT = 17
    CRC_COVERS_FROM = 21
    CHAINED_FROM = 65536        # values from this size on are referred to; for smaller ones a copy costs less than buffers of their own
    ROOM_FOR_OVERHEAD = 128     # as in producer.arguments
    SMALL_BUFFER = 512
    LARGE_FROM = 65536          # a buffer that outgrows this gets all that its batch may need, up to the next
    MOST_IN_ADVANCE = 1048576
    MOST_POOLED = 32            # large buffers kept for the next batches

cdef object _record_metadata = None
cdef object _future = None                # kafka.future.Future
cdef object _report_callback_error = None
cdef object _crc32c = None
cdef dict _time_names = _time.__dict__
cdef object _real_time = _time.time
cdef void* _real_clock = PyCFunction_GetFunction(_real_time) if PyCFunction_CheckExact(_real_time) else NULL


def install(*, record_metadata=None, future=None, report_callback_error=None, crc32c=None):
    """Make known the Python classes and functions that compiled code makes or calls."""
    global _record_metadata, _future, _report_callback_error, _crc32c
    _record_metadata = record_metadata or _record_metadata
    _future = future or _future
    _report_callback_error = report_callback_error or _report_callback_error
    _crc32c = crc32c or _crc32c


def untrack(thing):
    """Have the garbage collector pass over an object that was just made and stands in no circle yet; there are too many for it to look at."""
    PyObject_GC_UnTrack(<PyObject*>thing)


def track(thing):
    """Have it look at the object from now on."""
    if not PyObject_GC_IsTracked(thing):
        PyObject_GC_Track(<PyObject*>thing)


# --- outcomes ---------------------------------------------------------------------------------------------------------


cdef int _position_of(object entry) except? -1:
    return (<FutureState>(<tuple>entry)[0])._position


def _order(entry):
    return _position_of(entry)


cdef class CompletionState:
    """Twin: kafka.future.PythonCompletionState."""

    cdef public object home
    cdef public bint done
    cdef public bint settled
    cdef public object value
    cdef public object exception
    cdef public object parts
    cdef list _waiters
    cdef list _callbacks

    def __init__(self, home):
        self.home = home
        self.done = False
        self.settled = False
        self._callbacks = None

    cdef int _register(self, FutureState future, int kind, object function) except -1:
        cdef tuple entry = (future, kind, function)
        cdef list first = []
        if self._callbacks is None:
            self._callbacks = first
        self._callbacks.append(entry)
        if self.done:
            self._run_callbacks(False)
        elif self.parts is not None:
            self.move_callbacks()
        return 0

    def register(self, FutureState future not None, int kind, function):
        self._register(future, kind, function)

    cpdef move_callbacks(self):
        for future, kind, function in self.take_callbacks():
            _resolved(<FutureState>future)._register(<FutureState>future, kind, function)

    cpdef list take_callbacks(self):
        cdef list entries = self._callbacks
        cdef Py_ssize_t index
        cdef int last = -1, position
        if entries is None:
            return []
        self._callbacks = None
        for index in range(PyList_GET_SIZE(entries)):
            position = _position_of(<object>PyList_GET_ITEM(entries, index))
            if position < last:
                entries.sort(key=_order)
                break
            last = position
        return entries

    def run_callbacks(self, *, bint on_io_thread):
        self._run_callbacks(on_io_thread)

    cdef int _run_callbacks(self, bint on_io_thread) except -1:
        while self._callbacks is not None:
            for future, kind, function in self.take_callbacks():
                self._call(<FutureState>future, kind, function, on_io_thread)
        return 0

    def finish(self, *, bint on_io_thread=True):
        self._finish(on_io_thread)

    cdef int _finish(self, bint on_io_thread) except -1:
        self.done = True
        try:
            self._run_callbacks(on_io_thread)
        finally:
            self.settled = True
            self.release_waiters()
        return 0

    def add_waiter(self, latch):
        cdef list first = []
        if self._waiters is None:
            self._waiters = first
        self._waiters.append(latch)

    def remove_waiter(self, latch):
        if self._waiters is not None and latch in self._waiters:
            self._waiters.remove(latch)

    cpdef release_waiters(self):
        cdef list waiters = self._waiters
        if waiters is None:
            return
        self._waiters = None
        for latch in waiters:
            latch.open()

    cdef inline int _call(self, FutureState future, int kind, object function, bint on_io_thread) except -1:
        cdef object exception = self.exception_of(future)
        cdef object argument
        if kind == ON_BOTH:
            argument = future
        elif (kind == ON_SUCCESS) != (exception is None):
            return 0
        else:
            argument = self.value_of(future) if exception is None else exception
            if exception is not None:
                _track(future)
        try:
            PyObject_CallOneArg(function, argument)
        except BaseException as error:
            _report_callback_error(future, error, on_io_thread)
        return 0

    cpdef object value_of(self, FutureState future):
        return self.value

    cpdef object exception_of(self, FutureState future):
        return self.exception


cdef class FutureState:
    """Twin: kafka.future.PythonFutureState.

    The garbage collector does not track the future of a record, since a completion drops its callbacks when it is done. An attribute that
    somebody adds may make a circle, and so may an exception, whose traceback has the frames it was raised in: from then on it does.
    """

    cdef CompletionState _of
    cdef public int32_t _position
    cdef readonly int32_t _key_size
    cdef readonly int32_t _value_size
    cdef readonly int32_t _header_size
    cdef readonly int64_t _timestamp_ms

    def __init__(
        self, CompletionState completion not None, int32_t position, int64_t timestamp_ms, int32_t key_size, int32_t value_size,
        int32_t header_size,
    ):
        self._of = completion
        self._position = position
        self._timestamp_ms = timestamp_ms
        self._key_size = key_size
        self._value_size = value_size
        self._header_size = header_size

    @property
    def _completion(self):
        return _resolved(self)

    @property
    def is_done(self):
        return _resolved(self).done

    @property
    def value(self):
        cdef CompletionState completion = _resolved(self)
        if not completion.done or completion.exception_of(self) is not None:
            return None
        return completion.value_of(self)

    @property
    def exception(self):
        cdef CompletionState completion = _resolved(self)
        if not completion.done:
            return None
        exception = completion.exception_of(self)
        if exception is not None:
            _track(self)
        return exception

    def add_callback(self, f, *args, **kwargs):
        """Call ``f(*args, value, **kwargs)`` on success; returns this future."""
        _resolved(self)._register(self, ON_SUCCESS, _bound(f, args, kwargs))
        return self

    def add_errback(self, f, *args, **kwargs):
        """Call ``f(*args, exception, **kwargs)`` on failure; returns this future."""
        _resolved(self)._register(self, ON_ERROR, _bound(f, args, kwargs))
        return self

    def add_done_callback(self, f):
        """Call f(this future) at completion."""
        _resolved(self)._register(self, ON_BOTH, f)

    def __setattr__(self, name, value):
        PyObject_GenericSetAttr(self, name, value)
        _track(self)


cdef class FutureRecordMetadata(FutureState):
    """Twin: kafka.producer.future.PythonFutureRecordMetadata.

    What no record needs at send() is not written again here: it is the code of kafka.future.Future, called with this future.
    """

    cdef dict _attributes       # what users put here
    cdef object __weakref__

    @property
    def error_on_callbacks(self):
        if self._attributes is not None and "error_on_callbacks" in self._attributes:
            return self._attributes["error_on_callbacks"]
        return _future.error_on_callbacks

    @property
    def _produce_future(self):
        return _resolved(self)

    def get(self, timeout=None):
        """Wait at most `timeout` seconds; the record's metadata, or its error raised; KafkaTimeoutError where time is up."""
        return _future.result(self, timeout)

    def result(self, timeout=None):
        """get(), by its name in concurrent.futures."""
        return _future.result(self, timeout)

    def __await__(self):
        return _future.__await__(self)

    def succeeded(self):
        return _future.succeeded(self)

    def failed(self):
        return _future.failed(self)

    def retriable(self):
        return _future.retriable(self)

    def success(self, value):
        return _future.success(self, value)

    def failure(self, error):
        return _future.failure(self, error)

    def _check_pending(self):
        _future._check_pending(self)

    def add_both(self, f, *args, **kwargs):
        return _future.add_both(self, f, *args, **kwargs)

    def chain(self, future):
        return _future.chain(self, future)

    def done(self):
        return _resolved(self).done

    def cancel(self):
        return False

    def cancelled(self):
        return False

    def running(self):
        return not _resolved(self).done

    def __getattr__(self, name):
        if self._attributes is not None and name in self._attributes:
            return self._attributes[name]
        raise AttributeError(f"'FutureRecordMetadata' object has no attribute {name!r}")

    def __setattr__(self, name, value):
        try:
            PyObject_GenericSetAttr(self, name, value)
        except AttributeError:
            if hasattr(type(self), name) and name != "error_on_callbacks":
                raise
            if self._attributes is None:
                self._attributes = {}
            self._attributes[name] = value
        _track(self)

    def __delattr__(self, name):
        if self._attributes is None or name not in self._attributes:
            raise AttributeError(name)
        del self._attributes[name]


cdef inline void _track(FutureState future) noexcept:
    if not PyObject_GC_IsTracked(future):
        PyObject_GC_Track(<PyObject*>future)


cdef CompletionState _resolved(FutureState future):
    """Where the future's outcome is: the completion of the part that has its record, once its batch was split."""
    cdef CompletionState completion = future._of
    cdef list parts
    cdef Py_ssize_t index
    if completion is None:
        raise AttributeError("this future was never initialised: call Future.__init__()")
    while completion.parts is not None:
        parts = <list>completion.parts
        completion = <CompletionState>(<tuple>parts[0])[0]
        for index in range(1, len(parts)):
            if <int32_t>(<tuple>parts[index])[1] > future._position:
                break
            completion = <CompletionState>(<tuple>parts[index])[0]
        future._of = completion
    return completion


cdef object _bound(object f, tuple args, dict kwargs):
    if not args and not kwargs:
        return f
    return partial(f, *args, **kwargs)


cdef struct _Entry:
    PyObject* future
    PyObject* function
    int kind


cdef class ProduceResultState(CompletionState):
    """Twin: kafka.producer.future.PythonProduceResultState.

    The garbage collector does not track it before it has an exception, whose traceback may have the frame of somebody who holds one of its futures:
    nothing else in here leads back to it.
    Callbacks of records stand in an array: there may be as many as records, and a tuple for each would be the garbage collector's business.
    It does not see the array, nor the futures in it, so that only completing a result lets go of them (a fork's child keeps its parent's).
    """

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

    def __init__(self, topic_partition, home):
        CompletionState.__init__(self, home)
        self.topic_partition = topic_partition
        self.first_position = 0
        self.base_offset = -1
        self.log_append_time_ms = -1
        self.has_timestamps = True
        PyObject_GC_UnTrack(<PyObject*>self)

    def __dealloc__(self):
        _release_entries(self._entries, 0, self._entry_count)

    def succeed(self, int64_t base_offset, int64_t log_append_time_ms=-1):
        self.base_offset = base_offset
        self.log_append_time_ms = log_append_time_ms
        self._finish(True)

    def fail(self, error, record_errors=None):
        track(self)
        self.record_errors = record_errors
        self.exception = error
        self._finish(True)

    cdef int _register(self, FutureState future, int kind, object function) except -1:
        cdef _Entry* entries
        cdef Py_ssize_t capacity
        if self._entry_count == self._entry_capacity:
            capacity = max(2 * self._entry_capacity, 8)
            entries = <_Entry*>realloc(self._entries, capacity * sizeof(_Entry))
            if entries == NULL:
                raise MemoryError
            self._entries = entries
            self._entry_capacity = capacity
        entries = self._entries + self._entry_count
        Py_INCREF(future)
        Py_INCREF(function)
        entries.future = <PyObject*>future
        entries.function = <PyObject*>function
        entries.kind = kind
        self._entry_count += 1
        if self.done:
            self._run_callbacks(False)
        elif self.parts is not None:
            self.move_callbacks()
        return 0

    cpdef list take_callbacks(self):
        cdef _Entry* entries = self._entries
        cdef Py_ssize_t count = self._entry_count, index
        self._entries = NULL
        self._entry_count = self._entry_capacity = 0
        taken = []
        try:
            for index in range(count):
                taken.append((<object>entries[index].future, entries[index].kind, <object>entries[index].function))
        finally:
            _release_entries(entries, 0, count)
        taken.sort(key=_order)
        return taken

    cdef bint _is_in_order(self) noexcept:
        cdef Py_ssize_t index
        for index in range(1, self._entry_count):
            if (<FutureState>self._entries[index].future)._position < (<FutureState>self._entries[index - 1].future)._position:
                return False
        return True

    cdef int _run_callbacks(self, bint on_io_thread) except -1:
        cdef _Entry* entries
        cdef Py_ssize_t count, index
        while self._entry_count:
            if not self._is_in_order():
                for future, kind, function in self.take_callbacks():
                    self._call(<FutureState>future, kind, function, on_io_thread)
                continue
            entries = self._entries
            count = self._entry_count
            self._entries = NULL
            self._entry_count = self._entry_capacity = 0
            index = 0
            try:
                while index < count:
                    self._call(<FutureState>entries[index].future, entries[index].kind, <object>entries[index].function, on_io_thread)
                    Py_DECREF(<object>entries[index].function)
                    Py_DECREF(<object>entries[index].future)
                    index += 1
            finally:
                _release_entries(entries, index, count)
        return 0

    cpdef object value_of(self, FutureState future):
        cdef int32_t index = future._position - self.first_position
        cdef int64_t timestamp_ms = future._timestamp_ms
        cdef object checksum = None if self.checksums is None else self.checksums[index]
        cdef tuple where = <tuple>self.topic_partition
        if self.log_append_time_ms >= 0:
            timestamp_ms = self.log_append_time_ms
        elif not self.has_timestamps:
            timestamp_ms = -1
        cdef PyObject* made = (<PyTypeObject*>_record_metadata).tp_alloc(<PyTypeObject*>_record_metadata, 9)
        if made == NULL:
            raise MemoryError
        metadata = <object>made
        Py_DECREF(metadata)
        _put(metadata, 0, where[0])
        _put(metadata, 1, where[1])
        _put(metadata, 2, where)
        _put(metadata, 3, <object>self.base_offset + index if self.base_offset >= 0 else -1)
        _put(metadata, 4, timestamp_ms)
        _put(metadata, 5, checksum)
        _put(metadata, 6, future._key_size)
        _put(metadata, 7, future._value_size)
        _put(metadata, 8, future._header_size)
        return metadata

    cpdef object exception_of(self, FutureState future):
        if self.record_errors:
            return self.record_errors.get(future._position - self.first_position, self.exception)
        return self.exception


cdef void _release_entries(_Entry* entries, Py_ssize_t index, Py_ssize_t count):
    while index < count:
        Py_DECREF(<object>entries[index].function)
        Py_DECREF(<object>entries[index].future)
        index += 1
    free(entries)


cdef inline void _put(object into, Py_ssize_t index, object item) noexcept:
    Py_INCREF(item)
    PyTuple_SET_ITEM(into, index, item)


cdef inline FutureState _new_future(CompletionState result):
    cdef FutureState future = FutureRecordMetadata.__new__(FutureRecordMetadata)
    PyObject_GC_UnTrack(<PyObject*>future)
    future._of = result
    return future


# --- memory and batches -----------------------------------------------------------------------------------------------


cdef class MemoryCounts:
    """Twin: kafka.producer.memory.PythonMemoryCounts."""

    cdef readonly Py_ssize_t limit_bytes
    cdef readonly object waiters
    cdef Py_ssize_t _reserved
    cdef Py_ssize_t _granted
    cdef Py_ssize_t _released

    def __init__(self, Py_ssize_t limit_bytes, waiters):
        self.limit_bytes = limit_bytes
        self.waiters = waiters

    cdef inline Py_ssize_t _used(self) noexcept:
        return self._reserved + self._granted - self._released

    @property
    def used_bytes(self):
        return self._used()

    @property
    def reserved_bytes(self):
        return self._reserved

    def reset_reserved(self, Py_ssize_t reserved_bytes):
        self._reserved = reserved_bytes

    cpdef bint reserve(self, Py_ssize_t size_bytes) except -1:
        if len(self.waiters) or self._used() + size_bytes > self.limit_bytes:
            return False
        self._reserved += size_bytes
        return True

    cpdef unreserve(self, Py_ssize_t size_bytes):
        self._reserved -= size_bytes

    def take(self, Py_ssize_t size_bytes):
        if self._used() + size_bytes > self.limit_bytes:
            return False
        self._granted += size_bytes
        return True

    def take_beyond_limit(self, Py_ssize_t size_bytes):
        self._granted += size_bytes

    def release(self, Py_ssize_t size_bytes):
        self._released += size_bytes


cdef unsigned char* _pooled[MOST_POOLED]
cdef Py_ssize_t _pooled_capacity = 0    # all have the same
cdef int _pooled_count = 0


cdef unsigned char* _take_large(Py_ssize_t capacity) noexcept:
    global _pooled_count
    if _pooled_count and capacity == _pooled_capacity:
        _pooled_count -= 1
        return _pooled[_pooled_count]
    return <unsigned char*>malloc(capacity)


cdef void _give_back(unsigned char* data, Py_ssize_t capacity, Py_ssize_t whole) noexcept:
    """Free a buffer, or keep it for the next batches of its size; `whole` is what they ask for."""
    global _pooled_count, _pooled_capacity
    if capacity == whole and capacity > LARGE_FROM and data != NULL:
        if not _pooled_count:
            _pooled_capacity = capacity
        if capacity != _pooled_capacity:  # those of another size make place: nobody may ask for them any more
            _pooled_count -= 1
            free(_pooled[_pooled_count])
        elif _pooled_count < MOST_POOLED:
            _pooled[_pooled_count] = data
            _pooled_count += 1
            return
    free(data)


cdef class RecordBuffer:
    """Twin: kafka.producer.records.PythonRecords, in message format 2.

    The records lie in one buffer of its own; large values stay where they are and are chained in between.
    The garbage collector does not track it until its batch has failed.
    """

    # What append() reads and writes comes first and close together: with many partitions each record finds another batch's cache lines cold.
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

    def __init__(
        self, format, result, int64_t base_timestamp_ms, Py_ssize_t sendable_bytes, Py_ssize_t limit_bytes, Py_ssize_t expected_bytes=0
    ):
        self.expected_bytes = expected_bytes
        self.format = format
        self.result = result
        self.base_timestamp_ms = base_timestamp_ms
        self.max_timestamp_ms = base_timestamp_ms
        self.sendable_bytes = sendable_bytes
        self.limit_bytes = limit_bytes
        self.open_bytes = HEADER_SIZE
        PyObject_GC_UnTrack(<PyObject*>self)

    def __dealloc__(self):
        _give_back(self._data, self._capacity, self.limit_bytes + SMALL_BUFFER)

    @property
    def is_full(self):
        return self.is_closed or self.open_bytes >= self.sendable_bytes

    @property
    def appended(self):
        return self._appended

    def append(self, MemoryCounts memory, Py_ssize_t granted, int64_t timestamp_ms, bytes key, bytes value, headers, int32_t header_size):
        future = self._append(memory, granted, timestamp_ms, key, value, headers, header_size)
        if future is None and self._missing:
            return self._missing
        return future

    cdef FutureState _append(
        self, MemoryCounts memory, Py_ssize_t granted, int64_t timestamp_ms, bytes key, bytes value, object headers, int32_t header_size
    ):
        """None where the record does not go in here; `_missing` then says how much room it lacks, or 0 that the batch takes no more."""
        cdef FutureState future = _new_future(<CompletionState>self.result)
        cdef Py_ssize_t key_size = -1 if key is None else PyBytes_GET_SIZE(key)
        cdef Py_ssize_t value_size = -1 if value is None else PyBytes_GET_SIZE(value)
        cdef bint is_chained = value_size >= CHAINED_FROM
        cdef list encoded_headers = None
        cdef Py_ssize_t header_count = 0, headers_size = 0
        self._missing = 0
        if is_chained and self._chained is None:
            self._chained = []
        if headers:
            encoded_headers, headers_size = _encoded_headers(headers)
            header_count = len(headers)

        if self.is_closed or self.is_sealing:
            return None
        cdef Py_ssize_t index = self._appended
        cdef int64_t delta = timestamp_ms - self.base_timestamp_ms
        cdef Py_ssize_t body = (
            1 + varint_size(delta) + varint_size(index) + varint_size(key_size) + max(key_size, 0)
            + varint_size(value_size) + max(value_size, 0) + varint_size(header_count) + headers_size
        )
        cdef Py_ssize_t size = varint_size(body) + body
        cdef Py_ssize_t needed = size if index else size + HEADER_SIZE
        if index and self.open_bytes + size > self.limit_bytes:
            self._close()
            return None
        if memory is not None and granted < needed and (
            Py_SIZE(memory.waiters) or memory._used() + needed - granted > memory.limit_bytes
        ):
            self._missing = needed
            return None
        cdef Py_ssize_t copied = size - value_size if is_chained else size
        if self._used + copied > self._capacity:
            self._grow(self._used + copied)

        if is_chained:
            self._chained.append(0)
            self._chained.append(value)
        cdef unsigned char* at = self._data + self._used
        at = write_varint(at, body)
        at[0] = 0
        at = write_varint(at + 1, delta)
        at = write_varint(at, index)
        at = write_varint(at, key_size)
        if key_size > 0:
            memcpy(at, PyBytes_AS_STRING(key), key_size)
            at += key_size
        at = write_varint(at, value_size)
        if is_chained:
            self._chained[PyList_GET_SIZE(self._chained) - 2] = at - self._data
        elif value_size > 0:
            memcpy(at, PyBytes_AS_STRING(value), value_size)
            at += value_size
        at = write_varint(at, header_count)
        if encoded_headers is not None:
            at = _write_headers(at, encoded_headers)
        self._used = at - self._data
        if memory is not None:
            memory._reserved += needed - granted
        self.open_bytes += size
        self._appended = index + 1
        if size > self.largest_bytes:
            self.largest_bytes = size
        if timestamp_ms > self.max_timestamp_ms:
            self.max_timestamp_ms = timestamp_ms
        future._position = <int32_t>index
        future._timestamp_ms = timestamp_ms
        future._key_size = <int32_t>key_size
        future._value_size = <int32_t>value_size
        future._header_size = header_size
        return future

    cdef int _grow(self, Py_ssize_t needed) except -1:
        """Make room for `needed` bytes: half as much again each time, and once it is large what most batches may need.

        Pages of a large buffer that are not written to take no memory; those of a pooled one are there already, which saves the faults.
        """
        cdef Py_ssize_t capacity = max(self._capacity + (self._capacity >> 1), needed, SMALL_BUFFER)
        cdef unsigned char* data
        if self._data == NULL and self.expected_bytes > capacity:
            capacity = max(capacity, min(self.expected_bytes, self.limit_bytes) + SMALL_BUFFER)
        cdef Py_ssize_t large = min(self.limit_bytes, MOST_IN_ADVANCE) + SMALL_BUFFER
        if capacity <= LARGE_FROM or needed > large or self._capacity >= large:
            data = <unsigned char*>realloc(self._data, capacity)
        else:
            capacity = large
            data = _take_large(capacity)
            if data != NULL and self._data != NULL:
                memcpy(data, self._data, self._used)
                free(self._data)
        if data == NULL:
            raise MemoryError
        self._data = data
        self._capacity = capacity
        return 0

    cdef void _close(self) noexcept:
        self.is_closed = True
        self._trim()

    cdef void _trim(self) noexcept:
        """Nothing comes after: of a buffer that is mostly empty give back the rest."""
        cdef unsigned char* data
        if self._capacity > self._used + (self._used >> 3) + 1:
            data = <unsigned char*>realloc(self._data, self._used + 1)
            if data != NULL:
                self._data = data
                self._capacity = self._used + 1

    def seal(self):
        if not self.is_sealing:
            self.is_sealing = True
            self.count = self._appended
            self.size_bytes = self.open_bytes if self.count else 0

    def chain(self):
        cdef Py_ssize_t begin = 0, index, end
        if not self.count:
            return []
        if not self._chained:
            return [memoryview(self)]
        view = memoryview(self)
        pieces = []
        for index in range(0, len(self._chained), 2):
            end = self._chained[index]
            pieces.append(view[begin:end])
            pieces.append(self._chained[index + 1])
            begin = end
        pieces.append(view[begin : self._used])
        return pieces

    def checksums(self):
        return None

    def assemble(self, codec):
        cdef unsigned char header[HEADER_SIZE]
        cdef list buffers
        cdef object checksum
        cdef Py_ssize_t index
        if codec is None:
            buffers = self.chain()
            _write_header(header, self._size_of_records(), self.count, self.base_timestamp_ms, self.max_timestamp_ms)
            checksum = _crc32c(PyBytes_FromStringAndSize(<char*>header + CRC_COVERS_FROM, HEADER_SIZE - CRC_COVERS_FROM))
            for index in range(len(buffers)):
                checksum = _crc32c(buffers[index], checksum)
            _put_int(header + CRC_AT, <uint32_t>checksum, 4)
            buffers.insert(0, PyBytes_FromStringAndSize(<char*>header, HEADER_SIZE))
            return buffers
        return self.format.assemble(
            self.chain(), self.count, base_timestamp_ms=self.base_timestamp_ms, max_timestamp_ms=self.max_timestamp_ms, codec=codec
        )

    def drop(self):
        self._is_dropped = True
        self._chained = None
        self._free_if_unused()

    cdef Py_ssize_t _size_of_records(self) except -1:
        cdef Py_ssize_t size = self._used, index
        if self._chained is not None:
            for index in range(1, PyList_GET_SIZE(self._chained), 2):
                size += len(self._chained[index])
        return size

    cdef void _free_if_unused(self) noexcept:
        if self._is_dropped and not self._exports:
            _give_back(self._data, self._capacity, self.limit_bytes + SMALL_BUFFER)
            self._data = NULL
            self._used = self._capacity = 0

    def __getbuffer__(self, Py_buffer* buffer, int flags):
        if not self.is_sealing or self._is_dropped:
            raise BufferError("the records of a batch can be read between its seal and its end")
        PyBuffer_FillInfo(buffer, self, self._data, self._used, 1, flags)
        self._exports += 1

    def __releasebuffer__(self, Py_buffer* buffer):
        self._exports -= 1
        self._free_if_unused()


cdef inline void _put_int(unsigned char* at, uint64_t value, int size) noexcept:
    """An integer in network order."""
    cdef int index
    for index in range(size):
        at[index] = <unsigned char>(value >> (8 * (size - 1 - index)))


cdef void _write_header(
    unsigned char* at, Py_ssize_t records_size, Py_ssize_t count, int64_t base_timestamp_ms, int64_t max_timestamp_ms
) noexcept:
    """What record.layout.BATCH_HEADER says, without the checksum: attributes 0, no producer id, offsets from 0 on."""
    _put_int(at, 0, 8)
    _put_int(at + 8, HEADER_SIZE - LENGTH_COUNTS_FROM + records_size, 4)
    _put_int(at + 12, <uint64_t>-1, 4)
    at[16] = 2
    _put_int(at + 17, 0, 6)
    _put_int(at + 23, count - 1, 4)
    _put_int(at + 27, base_timestamp_ms, 8)
    _put_int(at + 35, max_timestamp_ms, 8)
    _put_int(at + 43, <uint64_t>-1, 8)
    _put_int(at + 51, <uint64_t>-1, 2)
    _put_int(at + 53, <uint64_t>-1, 4)
    _put_int(at + 57, count, 4)


cdef tuple _encoded_headers(object headers):
    """(name, value, ...) as bytes or None, and the size of them on the wire."""
    cdef list encoded = []
    cdef Py_ssize_t size = 0
    for name, value in headers:
        name = (<str?>name).encode()
        encoded.append(name)
        encoded.append(value)
        size += varint_size(len(name)) + len(name)
        size += 1 if value is None else varint_size(len(<bytes?>value)) + len(value)
    return encoded, size


cdef unsigned char* _write_headers(unsigned char* at, list encoded):
    cdef Py_ssize_t index, size
    for index in range(PyList_GET_SIZE(encoded)):
        part = <object>PyList_GET_ITEM(encoded, index)
        if part is None:
            at = write_varint(at, -1)
            continue
        size = PyBytes_GET_SIZE(part)
        at = write_varint(at, size)
        memcpy(at, PyBytes_AS_STRING(part), size)
        at += size
    return at


# --- send() -------------------------------------------------------------------------------------------------------------


cdef class PartitionSlot:
    """Twin: kafka.producer.accumulator.PythonPartitionSlot."""

    cdef public object open
    cdef public object records
    cdef readonly object queue

    def __init__(self, queue):
        self.queue = queue


@cython.final
cdef class _TopicSlots:
    """A topic's partitions as the newest metadata has them."""

    cdef list all               # by number, from 0 on without a gap
    cdef list available

    def __init__(self, list all, list available):
        self.all = all
        self.available = available


@cython.final
cdef class SendPath:
    """Takes the records that need nothing but bytes moved: what KafkaProducer.send() does for them, in one step.

    Everything else (an unknown topic, no room, headers, arguments that are not what they seem) it leaves to send().
    Threads: any.
    """

    cdef dict _topics
    cdef MemoryCounts _memory
    cdef object _interrupting
    cdef object _deferred
    cdef list _unplaced
    cdef object _time           # of a clock that is not the system's
    cdef Py_ssize_t _most_bytes
    cdef bint _notices_full
    cdef bint _is_open
    cdef object _last_topic     # the topic of the last record, as the string that was given, and its slots; None where it must be looked up
    cdef _TopicSlots _last_slots
    cdef uint64_t _random
    cdef object _accumulator
    cdef object _fresh
    cdef object _format
    cdef object _home
    cdef Py_ssize_t _sendable_bytes
    cdef Py_ssize_t _batch_bytes
    cdef object _new_result
    cdef object _new_batch
    cdef object _monotonic      # as _time
    cdef object _wake

    def __init__(
        self, *, accumulator, time, monotonic, Py_ssize_t most_bytes, bint notices_full, uint64_t seed, new_result, new_batch
    ):
        """`most_bytes`: a larger record is not looked at here; `notices_full`: somebody must be told when a batch has reached its size."""
        self._accumulator = accumulator
        self._fresh = accumulator.fresh
        self._format = accumulator.format
        self._home = accumulator.home
        self._sendable_bytes, self._batch_bytes = accumulator.sizes
        self._new_result = new_result
        self._new_batch = new_batch
        self._monotonic = monotonic
        self._wake = accumulator.wake
        self._topics = {}
        self._memory = accumulator.memory
        self._interrupting = accumulator.interrupting
        self._deferred = accumulator.deferred
        self._unplaced = accumulator.unplaced
        self._time = time
        self._most_bytes = most_bytes
        self._notices_full = notices_full
        self._is_open = True
        self._random = seed | 1

    def put(self, str topic not None, list all not None, list available not None):
        """The slots of a topic's partitions: of all in order of their numbers, from 0 on, and of those with a leader."""
        for slot in (*all, *available):
            if not isinstance(slot, PartitionSlot):
                raise TypeError(f"not a PartitionSlot: {slot!r}")
        if available:
            self._last_topic = self._last_slots = None
            self._topics[topic] = _TopicSlots(all, available)

    def has(self, topic):
        return topic in self._topics

    def clear(self):
        """Forget all topics: metadata has changed."""
        self._last_topic = self._last_slots = None
        self._topics.clear()

    def close(self):
        """Take nothing more."""
        self._is_open = False
        self.clear()

    cdef inline Py_ssize_t _draw(self, Py_ssize_t count) noexcept:
        """A number from 0 to count - 1: xorshift64*, of Marsaglia and Vigna."""
        cdef uint64_t x = self._random
        x ^= x >> 12
        x ^= x << 25
        x ^= x >> 27
        self._random = x
        return <Py_ssize_t>((((x * <uint64_t>0x2545F4914F6CDD1DULL) >> 32) * <uint64_t>count) >> 32)

    cdef inline PyObject* _choose(self, _TopicSlots topic, object key, object partition) except? NULL:
        """The slot, borrowed; NULL where send() must look."""
        cdef Py_ssize_t number
        if partition is not None:
            if not PyLong_CheckExact(partition):
                return NULL
            try:
                number = partition
            except OverflowError:
                return NULL
            if not 0 <= number < PyList_GET_SIZE(topic.all):
                return NULL
            return PyList_GET_ITEM(topic.all, number)
        if key is None:
            return PyList_GET_ITEM(topic.available, self._draw(PyList_GET_SIZE(topic.available)))
        number = murmur2(<unsigned char*>PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key)) & 0x7FFFFFFF
        return PyList_GET_ITEM(topic.all, number % PyList_GET_SIZE(topic.all))

    cdef inline int64_t _now_ms(self) except? -1:
        """int(time.time() * 1000), looked up as Python code does it."""
        cdef PyObject* found
        if self._time is not None:
            return int(self._time() * 1000)
        found = PyDict_GetItemWithError(_time_names, "time")
        if found == <PyObject*>_real_time and _real_clock != NULL and PyCFunction_GetFunction(_real_time) == _real_clock:
            return now_ms()  # unless a test's library has exchanged the function, or what is behind it
        return int(_time.time() * 1000)

    def append(self, topic, value, key, headers, partition, timestamp_ms):
        """The record's future, or None where send() must do it."""
        cdef RecordBuffer records
        cdef FutureState future
        cdef PyObject* found
        cdef PyObject* slot
        cdef int64_t at_ms
        cdef Py_ssize_t size = 0
        if not self._is_open or not PyUnicode_CheckExact(topic):
            return None
        if headers is not None and not (PyList_CheckExact(headers) and not PyList_GET_SIZE(headers)):
            return None
        if value is not None:
            if not PyBytes_CheckExact(value):
                return None
            size = PyBytes_GET_SIZE(value)
        if key is not None:
            if not PyBytes_CheckExact(key):
                return None
            size += PyBytes_GET_SIZE(key)
        elif value is None:
            return None
        if size + ROOM_FOR_OVERHEAD > self._most_bytes:
            return None
        if timestamp_ms is None:
            at_ms = self._now_ms()
        elif PyLong_CheckExact(timestamp_ms):
            try:
                at_ms = timestamp_ms
            except OverflowError:
                return None
            if at_ms < 0:
                return None
        else:
            return None
        if Py_SIZE(self._interrupting) or Py_SIZE(self._deferred) or PyList_GET_SIZE(self._unplaced):
            return None
        if topic is not self._last_topic:  # most programs send to one topic, and always with the same string
            found = PyDict_GetItemWithError(self._topics, topic)
            if found == NULL:
                return None
            self._last_topic = topic
            self._last_slots = <_TopicSlots>found
        slot = self._choose(self._last_slots, key, partition)
        if slot == NULL:
            return None
        held = (<PartitionSlot>slot).records
        if type(held) is not RecordBuffer:
            return self._begin(<PartitionSlot>slot, None, at_ms, <bytes>key, <bytes>value) if held is None else None
        records = <RecordBuffer>held
        if records.is_sealing or records.is_closed:
            return self._begin(<PartitionSlot>slot, records, at_ms, <bytes>key, <bytes>value)
        if self._notices_full and records.open_bytes < records.sendable_bytes and (
            records.open_bytes + size + ROOM_FOR_OVERHEAD >= records.sendable_bytes
        ):
            return None
        future = records._append(self._memory, 0, at_ms, <bytes>key, <bytes>value, None, -1)
        if future is None and records.is_closed:
            return self._begin(<PartitionSlot>slot, records, at_ms, <bytes>key, <bytes>value)
        return future

    cdef FutureState _begin(self, PartitionSlot slot, RecordBuffer previous, int64_t at_ms, bytes key, bytes value):
        """A batch with this record, shown to the I/O thread: RecordAccumulator._append_locked(); None where send() must do it.

        Python code that stands between the steps of that method, in another thread or below a signal handler, has said so before them.
        """
        cdef FutureState future
        cdef RecordBuffer records
        cdef double now_s
        accumulator = self._accumulator
        if accumulator.format is not self._format or accumulator.size_limits:
            return None
        now_s = _time.monotonic() if self._monotonic is None else self._monotonic()
        queue = slot.queue
        batches = queue.batches
        result = self._new_result(queue.topic_partition, self._home)
        records = RecordBuffer(
            self._format, result, at_ms, self._sendable_bytes, self._batch_bytes, 0 if previous is None else previous.open_bytes
        )
        batch = self._new_batch(queue, records, now_s)

        if accumulator.is_appending or not self._is_open or slot.records is not previous:
            return None
        if Py_SIZE(self._interrupting) or Py_SIZE(self._deferred) or PyList_GET_SIZE(self._unplaced):
            return None
        future = records._append(self._memory, 0, at_ms, key, value, None, -1)
        if future is None:
            return None
        batches.append(batch)
        self._fresh.append(batch)
        slot.open = batch
        slot.records = records
        try:
            self._wake()
        except BaseException:  # of a signal handler: the I/O thread must be woken whatever that raises
            self._wake()
            raise
        return future
