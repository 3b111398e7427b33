"""Types of the compiled module, of which kafka._accel picks by name; the twins have those of the Python code they mirror."""
