# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, nonecheck=False
"""The batches of a partition, compiled: linked through themselves.

What one call does here nothing can interrupt, which is why it takes no lock; as in outcomes.pyx, what may run the garbage collector comes before
what is changed.

Imported by: _accel.  Imports: producer.batch, whose batches have a field for the link.
"""

cimport cython
from cpython.object cimport PyObject

from kafka._speedups.prefetch cimport will_read
from kafka.producer.batch cimport ProducerBatch

cdef enum:
    CACHE_LINE = 64
    QUEUE_BYTES = 192           # of a PartitionQueue, what the I/O thread looks at
    BATCH_BYTES = 192
    RECORDS_BYTES = 192
    RESULT_BYTES = 128


cdef inline void _fetch(void* at, Py_ssize_t size) noexcept:
    cdef Py_ssize_t offset = 0
    while offset < size:
        will_read(<char*>at + offset)
        offset += CACHE_LINE


@cython.auto_pickle(False)
cdef class PartitionQueue:
    """Twin: kafka.producer.partition_queue.PythonPartitionQueue."""

    def __init__(self, topic_partition):
        self.topic_partition = topic_partition
        self.topic, self.index = topic_partition

    def __dealloc__(self):
        """One by one: if each freed the next, as many frames as there are batches would stand on the stack."""
        cdef ProducerBatch after
        cdef ProducerBatch at = <ProducerBatch>self.first
        while at is not None:
            after = <ProducerBatch>at.after
            at.after = None
            at = after

    cpdef enqueue(self, batch):
        cdef ProducerBatch added = <ProducerBatch?>batch
        if self.first is None:
            self.first = added
        else:
            (<ProducerBatch>self._newest).after = added
        self._newest = added
        self.backlog += 1

    cpdef take_first(self):
        cdef ProducerBatch batch = <ProducerBatch>self.first
        if batch is None:
            raise IndexError("no batch waits")
        self._fetch_what_comes()
        self.first = batch.after
        batch.after = None
        if self.first is None:
            self._newest = None
        self.backlog -= 1
        return batch

    cdef void _fetch_what_comes(self) noexcept:
        """The next of the ready line this stands in are looked at in turn, each with its oldest batch and that one's records.

        Each is found through the one before, so each step here fetches one more of what the step before has fetched.
        """
        cdef PartitionQueue queue = self.after
        if queue is None:
            return
        if queue.first is not None:
            _fetch(<PyObject*>(<ProducerBatch>queue.first).records, RECORDS_BYTES)
        queue = queue.after
        if queue is None:
            return
        if queue.first is not None:
            _fetch(<PyObject*>queue.first, BATCH_BYTES)
        if queue.after is not None:
            _fetch(<PyObject*>queue.after, QUEUE_BYTES)

    cpdef put_back(self, batch):
        cdef ProducerBatch added = <ProducerBatch?>batch
        cdef ProducerBatch before = None
        cdef ProducerBatch after = <ProducerBatch>self.first
        while after is not None and after.precedes(added):
            before = after
            after = <ProducerBatch>after.after
        added.after = after
        if before is None:
            self.first = added
        else:
            before.after = added
        if after is None:
            self._newest = added
        self.backlog += 1

    cpdef bint remove(self, batch) except -1:
        cdef ProducerBatch before = None
        cdef ProducerBatch at = <ProducerBatch>self.first
        while at is not None and at is not batch:
            before = at
            at = <ProducerBatch>at.after
        if at is None:
            return False
        if before is None:
            self.first = at.after
        else:
            before.after = at.after
        if at.after is None:
            self._newest = before
        at.after = None
        self.backlog -= 1
        return True

    def waiting(self):
        cdef ProducerBatch at
        cdef list found = []
        at = <ProducerBatch>self.first
        while at is not None:
            found.append(at)
            at = <ProducerBatch>at.after
        return found

    @property
    def is_idle(self):
        newest = self.open
        if self.backlog or self.in_flight or self.probe is not None or self.place is not None:
            return False
        return newest is None or newest.is_final

    def retire(self):
        self.is_retired = True
        self.open = self.records = None

    @staticmethod
    def fetch(list batches not None):
        for batch in batches:
            _fetch(<PyObject*><ProducerBatch?>batch, BATCH_BYTES)
        for batch in batches:
            _fetch(<PyObject*>(<ProducerBatch>batch).records, RECORDS_BYTES)
            _fetch(<PyObject*>(<ProducerBatch>batch).partition, QUEUE_BYTES)
            _fetch(<PyObject*>(<ProducerBatch>batch).result, RESULT_BYTES)
        for batch in batches:
            if (<ProducerBatch>batch).partition is not None:
                _fetch(<PyObject*>(<ProducerBatch>batch).partition.first, BATCH_BYTES)
