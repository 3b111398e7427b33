"""Threads that send for as long as one likes while a cluster of kafka.testing has one fault after the other.

python -m tests.soak --minutes 30        (make soak MINUTES=30)
"""
