"""Wire messages: declared field by field in one file per API, encoded and decoded without I/O, threads or clocks."""
