"""Compiled twins of the code on a record's way, built where there is a C compiler; kafka._accel chooses.

Imported by: _accel.  Imports: nothing of ours.
"""
