# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, nonecheck=False
"""The way of a plain record through send(), compiled: from its arguments to the open batch of its partition.

What one call does here nothing can interrupt, which is why it takes no lock; as in outcomes.pyx, what may run the garbage collector comes before
what is changed.

Imported by: _accel.  Imports: outcomes, partition_queue, records, producer.batch; the rest is given to SendPath.
"""

import time as _time

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItemWithError
from cpython.list cimport PyList_CheckExact, PyList_GET_ITEM, PyList_GET_SIZE
from cpython.long cimport PyLong_CheckExact
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_CheckExact
from libc.stdint cimport int64_t, uint32_t, uint64_t

from kafka._speedups.murmur2 cimport murmur2
from kafka._speedups.outcomes cimport FutureState, ProduceResultState, new_result
from kafka._speedups.partition_queue cimport PartitionQueue
from kafka._speedups.prefetch cimport will_write
from kafka._speedups.records cimport MemoryCounts, RecordBuffer
from kafka.producer.batch cimport ProducerBatch

cdef extern from "Python.h":
    Py_ssize_t Py_SIZE(object)  # of a deque too
    int PyCFunction_CheckExact(object)
    void* PyCFunction_GetFunction(object) except NULL
    ctypedef struct PyTypeObject
    PyTypeObject* Py_TYPE(PyObject*)

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
    ROOM_FOR_OVERHEAD = 128     # as in producer.arguments
    FEW_PARTITIONS = 32         # whose queues, batches and last written bytes stay in the processor's caches
    AHEAD = 8                   # numbers drawn before they are used; a power of 2
    BATCH_AHEAD = 5             # draws before the use of a queue at which its batch is looked for
    BYTES_AHEAD = 2             # and those at which it is looked where its bytes end

cdef dict _time_names = _time.__dict__
cdef object _real_time = _time.time
cdef void* _real_clock = PyCFunction_GetFunction(_real_time) if PyCFunction_CheckExact(_real_time) else NULL


@cython.final
cdef class _TopicQueues:
    """A topic's partitions as the newest metadata has them."""

    cdef list all               # by number, from 0 on without a gap
    cdef list available

    def __init__(self, list all, list available):
        self.all = all
        self.available = available


cdef inline PyObject* _queue_of(list queues, uint32_t drawn) noexcept:
    """The queue, borrowed, that a number of 32 bits means."""
    return PyList_GET_ITEM(queues, <Py_ssize_t>((<uint64_t>drawn * <uint64_t>PyList_GET_SIZE(queues)) >> 32))


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
    cdef object _last_topic     # the topic of the last record, as the string that was given, and its queues; None where it must be looked up
    cdef _TopicQueues _last_queues
    cdef uint64_t _random
    cdef uint32_t _drawn[AHEAD]
    cdef unsigned int _next_drawn
    cdef object _accumulator
    cdef object _fresh
    cdef object _home
    cdef Py_ssize_t _sendable_bytes
    cdef Py_ssize_t _batch_bytes
    cdef object _monotonic      # as _time
    cdef object _wake

    def __init__(
        self, *, accumulator, time, monotonic, Py_ssize_t most_bytes, bint notices_full, uint64_t seed
    ):
        """`most_bytes`: a larger record is not looked at here; `notices_full`: somebody must be told when a batch has reached its size."""
        self._accumulator = accumulator
        self._fresh = accumulator.fresh
        self._home = accumulator.home
        self._sendable_bytes, self._batch_bytes = accumulator.sizes
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
        for index in range(AHEAD):
            self._drawn[index] = self._draw()

    def put(self, str topic not None, list all not None, list available not None):
        """The queues of a topic's partitions: of all in order of their numbers, from 0 on, and of those with a leader."""
        for queue in (*all, *available):
            if not isinstance(queue, PartitionQueue):
                raise TypeError(f"not a PartitionQueue: {queue!r}")
        if available:
            self._last_topic = self._last_queues = None
            self._topics[topic] = _TopicQueues(all, available)

    def has(self, topic):
        return topic in self._topics

    def clear(self):
        """Forget all topics: metadata has changed."""
        self._last_topic = self._last_queues = None
        self._topics.clear()

    def close(self):
        """Take nothing more."""
        self._is_open = False
        self.clear()

    cdef inline uint32_t _draw(self) noexcept:
        """A number of 32 bits: xorshift64*, of Marsaglia and Vigna."""
        cdef uint64_t x = self._random
        x ^= x >> 12
        x ^= x << 25
        x ^= x >> 27
        self._random = x
        return <uint32_t>((x * <uint64_t>0x2545F4914F6CDD1DULL) >> 32)

    cdef PyObject* _draw_ahead(self, list queues) noexcept:
        """One of many queues, borrowed. Whose turn comes next was drawn before, and the memory that its record will need is on its way by now:
        among many partitions it is in no cache, and each part of it is found through the one before.
        """
        cdef unsigned int at = self._next_drawn
        cdef PyObject* chosen = _queue_of(queues, self._drawn[at])
        cdef PyObject* queue
        cdef PyObject* records
        cdef unsigned char* end
        self._drawn[at] = self._draw()
        self._next_drawn = (at + 1) % AHEAD
        will_write(_queue_of(queues, self._drawn[at]))
        queue = _queue_of(queues, self._drawn[(at + BATCH_AHEAD) % AHEAD])
        records = <PyObject*>(<PartitionQueue>queue).records
        will_write(records)
        will_write(<char*>records + 64)
        queue = _queue_of(queues, self._drawn[(at + BYTES_AHEAD) % AHEAD])
        records = <PyObject*>(<PartitionQueue>queue).records
        if Py_TYPE(records) == <PyTypeObject*>RecordBuffer and not (<RecordBuffer>records).is_sealing:
            end = (<RecordBuffer>records)._data + (<RecordBuffer>records)._used
            will_write(end)
            will_write(end + 64)
            will_write(end + 128)
            will_write(<PyObject*>(<RecordBuffer>records).result)
        else:  # this record begins a batch
            will_write(<char*>queue + 64)
            will_write(<char*>queue + 128)
        return chosen

    cdef inline PyObject* _choose(self, _TopicQueues topic, object key, object partition) except? NULL:
        """The queue, borrowed; NULL where send() must look."""
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
            if PyList_GET_SIZE(topic.available) > FEW_PARTITIONS:
                return self._draw_ahead(topic.available)
            return _queue_of(topic.available, self._draw())
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
        cdef PyObject* chosen
        cdef PartitionQueue queue
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
            self._last_queues = <_TopicQueues>found
        chosen = self._choose(self._last_queues, key, partition)
        if chosen == NULL:
            return None
        queue = <PartitionQueue>chosen  # kept from being freed: code that the collector runs below may retire it
        held = queue.records
        if type(held) is not RecordBuffer:
            return self._begin(queue, None, at_ms, <bytes>key, <bytes>value) if held is None else None
        records = <RecordBuffer>held
        if records.is_sealing or records.is_closed:
            return self._begin(queue, records, at_ms, <bytes>key, <bytes>value)
        if self._notices_full and records.open_bytes < records.sendable_bytes and (
            records.open_bytes + size + ROOM_FOR_OVERHEAD >= records.sendable_bytes
        ):
            return None
        future = records._append(self._memory, 0, at_ms, <bytes>key, <bytes>value, None, -1)
        if future is None and records.is_closed:
            return self._begin(queue, records, at_ms, <bytes>key, <bytes>value)
        return future

    cdef FutureState _begin(self, PartitionQueue queue, RecordBuffer previous, int64_t at_ms, bytes key, bytes value):
        """A batch with this record, shown to the I/O thread: RecordAccumulator._append_locked(); None where send() must do it.

        Python code that stands between the steps of that method, in another thread or below a signal handler, has said so before them.
        """
        cdef FutureState future
        cdef RecordBuffer records
        cdef ProduceResultState result
        cdef ProducerBatch batch
        cdef double now_s
        accumulator = self._accumulator
        format = accumulator.format
        if format.magic != 2 or accumulator.size_limits:
            return None
        now_s = _time.monotonic() if self._monotonic is None else self._monotonic()
        if queue.is_retired:
            return None
        result = new_result(queue.topic_partition, self._home)
        records = RecordBuffer.__new__(RecordBuffer)
        records._begin(format, result, at_ms, self._sendable_bytes, self._batch_bytes, 0 if previous is None else previous.open_bytes)
        batch = ProducerBatch.__new__(ProducerBatch)
        batch._begin(queue, records, result, now_s, -1, ())
        future = records._append(self._memory, 0, at_ms, key, value, None, -1)
        if future is None:
            return None

        if (
            accumulator.is_appending or not self._is_open or queue.records is not previous or queue.is_retired
            or Py_SIZE(self._interrupting) or Py_SIZE(self._deferred) or PyList_GET_SIZE(self._unplaced)
        ):
            self._memory._reserved -= records.open_bytes
            return None
        queue.enqueue(batch)
        self._fresh.append(batch)
        queue.open = batch
        queue.records = records
        try:
            self._wake()
        except BaseException:  # of a signal handler: the I/O thread must be woken whatever that raises
            self._wake()
            raise
        return future
