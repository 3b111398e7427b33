"""Memory that the processor fetches before it is asked for; nothing where the compiler cannot say so."""

cdef extern from *:
    """
    #if defined(__GNUC__) || defined(__clang__)
    #define will_read(at) __builtin_prefetch(at, 0)
    #define will_write(at) __builtin_prefetch(at, 1)
    #else
    #define will_read(at) (void)(at)
    #define will_write(at) (void)(at)
    #endif
    """
    void will_read(const void*) noexcept
    void will_write(const void*) noexcept
