"""murmur2 as Java's producer has it; twin of partitioner/murmur2.py."""

from libc.stdint cimport uint32_t


cdef inline uint32_t murmur2(const unsigned char* data, Py_ssize_t size) noexcept nogil:
    # The 32-bit hash, with Java's seed.
    cdef uint32_t m = 0x5BD1E995
    cdef uint32_t h = <uint32_t>0x9747B28CU ^ <uint32_t>size
    cdef uint32_t k
    cdef Py_ssize_t left = size
    while left >= 4:
        k = data[0] | (<uint32_t>data[1] << 8) | (<uint32_t>data[2] << 16) | (<uint32_t>data[3] << 24)
        k *= m
        k ^= k >> 24
        k *= m
        h *= m
        h ^= k
        data += 4
        left -= 4
    if left == 3:
        h ^= <uint32_t>data[2] << 16
    if left >= 2:
        h ^= <uint32_t>data[1] << 8
    if left >= 1:
        h ^= data[0]
        h *= m
    h ^= h >> 13
    h *= m
    h ^= h >> 15
    return h
