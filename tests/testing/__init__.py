"""kafka.testing itself: what it promises to tests that use it."""
