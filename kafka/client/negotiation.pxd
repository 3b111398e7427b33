# Types for the compiled module.

from kafka.protocol.framing cimport request_frame, response_body_offset

cpdef list request_buffers(request, int version, correlation_id, client_id)

cpdef response_from(request_class, int version, bytes frame)
