# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, nonecheck=False
"""The encoded records of a batch, and the room they take, compiled.

Each class names its Python twin, and tests/parity holds them equal.  What one call does here nothing can interrupt, which is why it takes no
lock; as in outcomes.pyx, what may run the garbage collector comes before what is changed.

Imported by: _accel.  Imports: outcomes; what it needs of Python code is given to install().
"""

cimport cython
from cpython.buffer cimport PyBuffer_FillInfo
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.object cimport PyObject
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy

from kafka._speedups.outcomes cimport CompletionState, FutureState, new_future
from kafka._speedups.prefetch cimport will_read
from kafka._speedups.varint cimport varint_size, write_varint

cdef extern from "Python.h":
    Py_ssize_t Py_SIZE(object)  # of a deque too
    void PyObject_GC_UnTrack(void*)

cdef enum:
    HEADER_SIZE = 61            # of a batch in format 2; this and the next three are those of record.layout
    LENGTH_COUNTS_FROM = 12
    CRC_AT = 17
    CRC_COVERS_FROM = 21
    CHAINED_FROM = 65536        # values from this size on are referred to; for smaller ones a copy costs less than buffers of their own
    SMALL_BUFFER = 512
    LARGE_FROM = 65536          # a buffer that outgrows this gets all that its batch may need, up to the next
    MOST_IN_ADVANCE = 1048576
    MOST_POOLED = 32            # large buffers kept for the next batches
    CACHE_LINE = 64
    MOST_FETCHED = 8192         # bytes that are fetched before they are read; the processor sees by itself how it goes on
    SMALL_STEP = 512            # small ones have multiples of it
    SMALL_SIZES = 16            # so many of them
    MOST_SMALL = 128            # kept of each: 9 MB in all at most

cdef object _crc32c = None


def install(*, crc32c):
    """Make known the checksum that batches have."""
    global _crc32c
    _crc32c = crc32c


cdef class MemoryCounts:
    """Twin: kafka.producer.memory.PythonMemoryCounts."""

    def __init__(self, Py_ssize_t limit_bytes, waiters):
        self.limit_bytes = limit_bytes
        self.waiters = waiters

    cdef Py_ssize_t _used(self) noexcept:
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


cdef unsigned char* _small[SMALL_SIZES][MOST_SMALL]     # of (1 + index) * SMALL_STEP bytes each
cdef int _small_count[SMALL_SIZES]


cdef inline unsigned char* _take_small(Py_ssize_t capacity) noexcept:
    """A buffer of a multiple of SMALL_STEP: one that a batch has just left, if there is one, since it is in the processor's caches."""
    cdef Py_ssize_t index = capacity // SMALL_STEP - 1
    if _small_count[index]:
        _small_count[index] -= 1
        return _small[index][_small_count[index]]
    return <unsigned char*>malloc(capacity)


cdef inline void _free_small(unsigned char* data, Py_ssize_t capacity) noexcept:
    cdef Py_ssize_t index = capacity // SMALL_STEP - 1
    if 0 <= index < SMALL_SIZES and capacity % SMALL_STEP == 0 and _small_count[index] < MOST_SMALL:
        _small[index][_small_count[index]] = data
        _small_count[index] += 1
    else:
        free(data)


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
    _free_small(data, capacity)


@cython.auto_pickle(False)
cdef class RecordBuffer:
    """Twin: kafka.producer.records.PythonRecords, in message format 2.

    The records lie in one buffer of its own, behind the place of the batch's header; large values stay where they are and are chained in between.
    The garbage collector does not track it until its batch has failed.
    """

    # What append() reads and writes comes first and close together: with many partitions each record finds another batch's cache lines cold.

    def __init__(
        self, format, result, int64_t base_timestamp_ms, Py_ssize_t sendable_bytes, Py_ssize_t limit_bytes, Py_ssize_t expected_bytes=0
    ):
        self._begin(format, result, base_timestamp_ms, sendable_bytes, limit_bytes, expected_bytes)

    cdef void _begin(
        self, format, result, int64_t base_timestamp_ms, Py_ssize_t sendable_bytes, Py_ssize_t limit_bytes, Py_ssize_t expected_bytes
    ) noexcept:
        self.expected_bytes = expected_bytes
        self.format = format
        self.result = result
        self.base_timestamp_ms = base_timestamp_ms
        self.max_timestamp_ms = base_timestamp_ms
        self.sendable_bytes = sendable_bytes
        self.limit_bytes = limit_bytes
        self.open_bytes = self._used = HEADER_SIZE
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
        cdef FutureState future = new_future(<CompletionState>self.result)
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
        cdef bint is_small = capacity <= SMALL_STEP * SMALL_SIZES
        if not is_small and (capacity <= LARGE_FROM or needed > large or self._capacity >= large):
            data = <unsigned char*>realloc(self._data, capacity)
        else:
            capacity = (capacity + SMALL_STEP - 1) // SMALL_STEP * SMALL_STEP if is_small else large
            data = _take_small(capacity) if is_small else _take_large(capacity)
            if data != NULL and self._data != NULL:
                memcpy(data, self._data, self._used)
                _free_small(self._data, self._capacity)
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
        cdef Py_ssize_t at = 0
        if not self.is_sealing:
            while at < self._used and at < MOST_FETCHED:
                will_read(self._data + at)  # for the checksum: with many partitions they are in another processor's cache, or in none
                at += CACHE_LINE
            self.is_sealing = True
            self.count = self._appended
            self.size_bytes = self.open_bytes if self.count else 0

    def chain(self):
        return self._chain(HEADER_SIZE) if self.count else []

    cdef list _chain(self, Py_ssize_t begin):
        """The pieces from this place in the buffer on."""
        cdef Py_ssize_t index, end
        cdef list pieces = []
        view = memoryview(self)
        if not self._chained:
            return [view[begin:]]
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
        cdef _Whole whole
        cdef object checksum
        if codec is None and self.count:
            if self._is_dropped:
                raise BufferError("the records of a batch can be read between its seal and its end")
            _write_header(self._data, self._size_of_records(), self.count, self.base_timestamp_ms, self.max_timestamp_ms)
            if not self._chained:
                whole = _Whole.__new__(_Whole, self)
                whole.begin = CRC_COVERS_FROM
                checksum = _crc32c(whole)
                whole.begin = 0
                _put_int(self._data + CRC_AT, <uint32_t>checksum, 4)
                return [whole]
            checksum = 0
            for piece in self._chain(CRC_COVERS_FROM):
                checksum = _crc32c(piece, checksum)
            _put_int(self._data + CRC_AT, <uint32_t>checksum, 4)
            return self._chain(0)
        return self.format.assemble(
            self.chain(), self.count, base_timestamp_ms=self.base_timestamp_ms, max_timestamp_ms=self.max_timestamp_ms, codec=codec
        )

    def assemble_full(self, codec):
        if self._is_dropped:
            return []
        self.seal()
        return self.assemble(codec)

    def drop(self):
        self._is_dropped = True
        self._chained = None
        self.result = None
        self._free_if_unused()

    cdef Py_ssize_t _size_of_records(self) except -1:
        cdef Py_ssize_t size = self._used - HEADER_SIZE, index
        if self._chained is not None:
            for index in range(1, PyList_GET_SIZE(self._chained), 2):
                size += len(self._chained[index])
        return size

    cdef void _free_if_unused(self) noexcept:
        if self._is_dropped and not self._exports:
            _give_back(self._data, self._capacity, self.limit_bytes + SMALL_BUFFER)
            self._data = NULL
            self._capacity = 0
            self._used = HEADER_SIZE

    def __getbuffer__(self, Py_buffer* buffer, int flags):
        if not self.is_sealing or self._is_dropped:
            raise BufferError("the records of a batch can be read between its seal and its end")
        PyBuffer_FillInfo(buffer, self, self._data, 0 if self._data == NULL else self._used, 1, flags)
        self._exports += 1

    def __releasebuffer__(self, Py_buffer* buffer):
        self._exports -= 1
        self._free_if_unused()


@cython.final
@cython.no_gc
cdef class _Whole:
    """The batch's bytes as a buffer, which keeps them from being freed: a memoryview takes two objects for that, and the garbage collector
    counts both.
    """

    cdef RecordBuffer _records
    cdef Py_ssize_t begin       # where in the batch it begins

    def __cinit__(self, RecordBuffer records not None):
        if not records.is_sealing or records._is_dropped:
            raise BufferError("the records of a batch can be read between its seal and its end")
        self._records = records
        records._exports += 1

    def __dealloc__(self):
        if self._records is not None:
            self._records._exports -= 1
            self._records._free_if_unused()

    def __len__(self):
        return self._records._used - self.begin

    def __getbuffer__(self, Py_buffer* buffer, int flags):
        PyBuffer_FillInfo(buffer, self, self._records._data + self.begin, self._records._used - self.begin, 1, flags)


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
    _put_int(at + 21, 0, 2)
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
