"""Zigzag varints as in message format 2; twin of record/varint.py."""

from libc.stdint cimport int64_t, uint64_t


cdef inline uint64_t zigzag(int64_t value) noexcept nogil:
    return (<uint64_t>value << 1) ^ <uint64_t>(value >> 63)


cdef inline Py_ssize_t varint_size(int64_t value) noexcept nogil:
    # Bytes that `value` takes: record.varint.size.
    cdef uint64_t rest = zigzag(value)
    cdef Py_ssize_t size = 1
    while rest >= 0x80:
        rest >>= 7
        size += 1
    return size


cdef inline unsigned char* write_varint(unsigned char* at, int64_t value) noexcept nogil:
    # Write `value` and give the place behind it: record.varint.encode.
    cdef uint64_t rest = zigzag(value)
    while rest >= 0x80:
        at[0] = <unsigned char>(rest | 0x80)
        rest >>= 7
        at += 1
    at[0] = <unsigned char>rest
    return at + 1
