# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, nonecheck=False
"""Outcomes of records, compiled: what many futures share, and the futures themselves.

Each class names its Python twin, and tests/parity holds them equal.  What one call does here nothing can interrupt before it calls callbacks (no
Python code runs in it, so that neither signal handlers nor other threads come between), which is why it takes no lock.
An allocation may run the garbage collector and with it anybody's code on Python before 3.12: every method allocates first, and looks at
what it is about to change after that.

Imported by: _accel.  Imports: prefetch; what it needs of Python code is given to install().
"""

from functools import partial

cimport cython
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from cpython.tuple cimport PyTuple_SET_ITEM
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, realloc

from kafka._speedups.prefetch cimport will_write

cdef extern from "Python.h":
    ctypedef struct PyTypeObject:
        PyObject* (*tp_alloc)(PyTypeObject*, Py_ssize_t)
    void PyObject_GC_Track(void*)
    int PyObject_GC_IsTracked(object)
    object PyObject_CallOneArg(object, object)
    int PyObject_GenericSetAttr(object, object, object) except -1

cdef extern from *:
    """
    #include <stdint.h>

    #ifdef __linux__
    #include <sched.h>
    #include <time.h>

    static int64_t now_ns(void) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    }
    /* 1: seen; 0: not in time; -1: nor did the processor come back in time from whoever it was yielded to. */
    static int yield_until(const volatile int* flag, int64_t most_ns) {
        int64_t now = now_ns(), end_ns = now + most_ns;
        for (; now < end_ns; now = now_ns()) {
            if (*flag) return 1;
            sched_yield();
        }
        return now < end_ns + 4 * most_ns ? 0 : -1;
    }
    #else
    static int yield_until(const volatile int* flag, int64_t most_ns) { (void)flag; (void)most_ns; return 0; }
    #endif
    """
    int yield_until(const volatile bint* flag, int64_t most_ns) noexcept nogil

cdef extern from *:
    """
    #include <string.h>

    /* As PyType_GenericAlloc(), of what the collector is not to look at: that one would put it on the collector's list, to be taken off at once. */
    static PyObject* new_untracked(PyTypeObject* type, Py_ssize_t items) {
        PyObject* made = PyObject_GC_New(PyObject, type);
        (void)items;
        if (made != NULL) memset((char*)made + sizeof(PyObject), 0, type->tp_basicsize - sizeof(PyObject));
        return made;
    }
    """
    PyObject* new_untracked(PyTypeObject*, Py_ssize_t)

cdef enum:
    LOOK_NS = 250_000           # how long a thread looks whether an outcome comes, before it sleeps
    TURN_NS = 20_000            # and then for the end of the I/O thread's turn
    MOST_IN_VAIN = 10           # looks in vain after which one wait in 2**10 has another
    LATE_COUNTS = 5             # as so many looks in vain counts one for which the processor came back late
    CALLS_AHEAD = 8             # callbacks before its own a future is fetched, from the processor whose thread has sent it

cdef double LOOK_S = LOOK_NS / 1e9

cdef enum:
    ON_SUCCESS = 0
    ON_ERROR = 1
    ON_BOTH = 2

cdef object _record_metadata = None
cdef object _future = None                # kafka.future.Future
cdef object _latch = None                 # kafka._clock.Latch
cdef object _timeout_error = None
cdef object _report_callback_error = None


def install(*, record_metadata=None, future=None, latch=None, timeout_error=None, report_callback_error=None):
    """Make known the Python classes and functions that compiled code makes or calls."""
    global _record_metadata, _future, _latch, _timeout_error, _report_callback_error
    _record_metadata = record_metadata or _record_metadata
    _future = future or _future
    _latch = latch or _latch
    _timeout_error = timeout_error or _timeout_error
    _report_callback_error = report_callback_error or _report_callback_error


def untrack(thing):
    """Have the garbage collector pass over an object that was just made and stands in no circle yet; there are too many for it to look at."""
    PyObject_GC_UnTrack(<PyObject*>thing)


def track(thing):
    """Have it look at the object from now on."""
    if not PyObject_GC_IsTracked(thing):
        PyObject_GC_Track(<PyObject*>thing)


@cython.auto_pickle(False)
cdef class Watch:
    """Has a thread that waits look for the outcome, a moment long, before it sleeps.

    A broker that is near answers before a thread has fallen asleep, and to be woken then takes longer than all else that is done for one record.
    Who looks leaves the interpreter to others, and yields the processor to whoever wants it.  It takes the interpreter again when the I/O thread has
    gone back to its select: before that, it would fall asleep waiting for it.

    After each look in vain half as many waits have one, down to one in 1,024: with a broker that is far looking costs next to nothing.  So it is
    where processors are in demand, the sooner since who yields one to a program that computes has it back a slice of time later, while who
    sleeps has it at once.  Each look that sees an outcome takes one of those in vain back, and the next wait has one too.  One thread looks
    at a time, so that many who wait leave the processors to the work.

    One for each selector, which says when its thread sleeps.
    Threads: any.
    """

    cdef int _look(self, const volatile bint* settled) except -1:
        cdef int seen
        if self.is_taken:
            return 0
        if self.passed_over:
            self.passed_over -= 1
            return 0
        self.is_taken = True
        with nogil:
            seen = yield_until(settled, LOOK_NS)
            if seen == 1:
                yield_until(&self.io_thread_sleeps, TURN_NS)
        self.is_taken = False
        if seen == 1:
            self.in_vain = max(self.in_vain - 1, 0)
        else:
            self.in_vain = min(self.in_vain + (1 if seen == 0 else <int>LATE_COUNTS), <int>MOST_IN_VAIN)
            self.passed_over = (1 << self.in_vain) - 1
        return 0


cdef int _position_of(object entry) except? -1:
    return (<FutureState>(<tuple>entry)[0])._position


def _order(entry):
    return _position_of(entry)


cdef class CompletionState:
    """Twin: kafka.future.PythonCompletionState."""

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

    cpdef add_waiter(self, latch):
        cdef list first = []
        if self._waiters is None:
            self._waiters = first
        self._waiters.append(latch)

    cpdef remove_waiter(self, latch):
        if self._waiters is not None and latch in self._waiters:
            self._waiters.remove(latch)

    cpdef bint wait_until(self, deadline_s, what="Waiting for a future") except -1:
        if self.settled or self.parts is not None:
            return True
        home = self.home
        home.check_may_wait(what)
        watch = home.watch
        if watch is not None and (deadline_s is None or deadline_s - home.clock.monotonic() > LOOK_S):
            (<Watch?>watch)._look(&self.settled)  # no signal handler runs in there
            if self.settled:
                return True
        latch = _latch()
        self.add_waiter(latch)
        try:
            if home.forked:
                home.check_may_wait(what)  # a signal handler forked meanwhile
            if not (self.settled or self.parts is not None):
                if not home.clock.wait(latch, deadline_s):
                    return self.settled or self.parts is not None
            return True
        finally:
            self.remove_waiter(latch)

    cpdef release_waiters(self):
        cdef list waiters = self._waiters
        if waiters is None:
            return
        self._waiters = None
        for latch in waiters:
            latch.open()

    cdef int _call(self, FutureState future, int kind, object function, bint on_io_thread) except -1:
        cdef object exception = self.exception_of(future)
        cdef object argument
        if kind == ON_BOTH:
            argument = future
        elif (kind == ON_SUCCESS) != (exception is None):
            return 0
        else:
            argument = self.value_of(future) if exception is None else self._shown(future, exception)
        try:
            PyObject_CallOneArg(function, argument)
        except BaseException as error:
            _report_callback_error(future, error, on_io_thread)
        return 0

    cdef object _shown(self, FutureState future, object exception):
        """Twin: PythonCompletionState.shown()."""
        _track(future)
        if self.looks is not None:
            self.looks.note(future._position)
        return exception

    cpdef object value_of(self, FutureState future):
        return self.value

    cpdef object exception_of(self, FutureState future):
        return self.exception


cdef class FutureState:
    """Twin: kafka.future.PythonFutureState.

    The garbage collector does not track the future of a record, since a completion drops its callbacks when it is done. An attribute that
    somebody adds may make a circle, and so may an exception, whose traceback has the frames it was raised in: from then on it does.
    """

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
        return None if exception is None else completion._shown(self, exception)

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

    What no record needs on its way is not written again here: it is the code of kafka.future.Future, called with this future.
    """

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
        return _result(self, timeout)

    def result(self, timeout=None):
        """get(), by its name in concurrent.futures."""
        return _result(self, timeout)

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


(<PyTypeObject*>FutureRecordMetadata).tp_alloc = new_untracked


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


cdef object _result(FutureState future, object timeout):
    """Twin: kafka.future.Future.result()."""
    cdef CompletionState completion = _resolved(future)
    if not completion.done:
        deadline_s = None if timeout is None else completion.home.clock.monotonic() + timeout
        while not completion.done:
            if not completion.wait_until(deadline_s, "Getting the result of a future") and not _resolved(future).done:
                raise _timeout_error(f"Timeout after waiting for {timeout} secs.")
            completion = _resolved(future)
    exception = completion.exception_of(future)
    if exception is not None:
        raise completion._shown(future, exception).with_traceback(None)
    return completion.value_of(future)


cdef object _bound(object f, tuple args, dict kwargs):
    if not args and not kwargs:
        return f
    return partial(f, *args, **kwargs)


cdef class ProduceResultState(CompletionState):
    """Twin: kafka.producer.future.PythonProduceResultState.

    The garbage collector does not track it before it has an exception, whose traceback may have the frame of somebody who holds one of its futures:
    nothing else in here leads back to it.
    Callbacks of records stand in an array: there may be as many as records, and a tuple for each would be the garbage collector's business.
    It does not see the array, nor the futures in it, so that only completing a result lets go of them (a fork's child keeps its parent's).
    """

    def __cinit__(self):
        self.base_offset = -1
        self.log_append_time_ms = -1
        self.has_timestamps = True

    def __init__(self, topic_partition, home):
        _begin_result(self, topic_partition, home)

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
                    if index + CALLS_AHEAD < count:
                        will_write(<char*>entries[index + CALLS_AHEAD].future - 16)  # with what the collector has before it
                        will_write(<char*>entries[index + CALLS_AHEAD].future + 48)
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


cdef class FutureProduceResult(ProduceResultState):
    """Twin: kafka.producer.future.PythonFutureProduceResult."""

    def split(self, parts):
        self.parts = parts
        self.move_callbacks()
        self.release_waiters()

    def wait(self, timeout=None):
        """Wait at most `timeout` seconds for completion; whether it came."""
        return self.wait_until(None if timeout is None else self.home.clock.monotonic() + timeout)


cdef void _release_entries(_Entry* entries, Py_ssize_t index, Py_ssize_t count):
    while index < count:
        Py_DECREF(<object>entries[index].function)
        Py_DECREF(<object>entries[index].future)
        index += 1
    free(entries)


cdef inline void _put(object into, Py_ssize_t index, object item) noexcept:
    Py_INCREF(item)
    PyTuple_SET_ITEM(into, index, item)
