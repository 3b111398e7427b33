# Types for the compiled module.

cimport cython

from kafka.client.client cimport KafkaClient
from kafka.producer.batch cimport ProducerBatch
from kafka.producer.metrics cimport SenderMetrics
from kafka._speedups.partition_queue cimport PartitionQueue as CompiledPartitionQueue
from kafka.producer.schedule cimport Schedule
from kafka.protocol.produce_batches cimport PartitionAnswer, ProduceAnswer, ProduceBatches

cdef object _IN_FLIGHT
cdef object _SUCCEEDED


cdef class Sender:
    cdef readonly object terminated
    cdef readonly bint in_callback
    cdef readonly Schedule schedule
    cdef object _home
    cdef KafkaClient _client
    cdef object _cluster
    cdef object _accumulator
    cdef object _memory
    cdef object _failures
    cdef object _untold
    cdef object _fresh
    cdef object _deferred
    cdef list _unplaced
    cdef object _interrupting
    cdef object _flush_requests
    cdef object _room_waits
    cdef readonly object deferral
    cdef object _policy
    cdef int _acks
    cdef object _delivery_timeout_s
    cdef double _request_timeout_s
    cdef Py_ssize_t _max_request_bytes
    cdef int _request_timeout_ms
    cdef object _codec
    cdef object _ahead
    cdef SenderMetrics _metrics
    cdef object _on_end
    cdef object _outlet
    cdef object _waiting_lines
    cdef object _log
    cdef bint _is_closing
    cdef bint _is_stopping
    cdef double _stop_at_s
    cdef dict _incomplete
    cdef dict _in_flight
    cdef list _flushes
    cdef object _idle_topics
    cdef dict _used_topics
    cdef dict _wanted_topics
    cdef double _forget_at_s
    cdef double _now_s
    cdef object _seen_cluster
    cdef int _surprises

    cpdef bint is_done(self) except -1
    cpdef guarded_turn(self)
    @cython.locals(now_s=double, ended_s=double)
    cpdef run_once(self)
    @cython.locals(batch=ProducerBatch)
    cpdef _accept_new(self, double now_s)
    cpdef _consider(self, ProducerBatch batch, double now_s)
    @cython.locals(batch=ProducerBatch, taken=list)
    cpdef list _take_fresh(self)
    cpdef _note_done(self, result)
    cpdef _check_flushes(self)
    cpdef _notice_cluster(self, double now_s)
    @cython.locals(due_s=double, tell_at_s=double)
    cpdef double _next_turn_s(self, double now_s) except? -1
    @cython.locals(batch=ProducerBatch)
    cpdef _expire(self, double began_s, double now_s)
    @cython.locals(batches=list)
    cpdef _send_ready(self, double now_s)
    @cython.locals(batch=ProducerBatch)
    cpdef _send(self, leader, list batches, double now_s)
    @cython.locals(batch=ProducerBatch, request=ProduceBatches, sent=list, version=int, buffers=list, queue=CompiledPartitionQueue)
    cpdef _hand_over(self, leader, list batches, double now_s)
    @cython.locals(magic=int, queue=CompiledPartitionQueue, buffers=list, limit=Py_ssize_t)
    cpdef list _assemble(self, ProducerBatch batch, int version)
    @cython.locals(batch=ProducerBatch)
    cpdef _on_response(self, list batches, ProduceAnswer response, node_id)
    @cython.locals(answer=PartitionAnswer, queue=CompiledPartitionQueue)
    cpdef _on_answer(self, ProducerBatch batch, ProduceAnswer response)
    @cython.locals(queue=CompiledPartitionQueue)
    cpdef _succeed(self, ProducerBatch batch, PartitionAnswer answer)
    @cython.locals(queue=CompiledPartitionQueue)
    cpdef _leave_flight(self, ProducerBatch batch)
    @cython.locals(was_in_flight=bint, queue=CompiledPartitionQueue)
    cpdef _finish(self, ProducerBatch batch, state, fail=?, long long base_offset=?, long long log_append_time_ms=?)
    cpdef _look_at(self, CompiledPartitionQueue queue)
