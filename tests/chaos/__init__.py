"""Steady load on a real cluster of three brokers while something happens to it, and what became of every record.

python -m tests.chaos        (make chaos; tests/broker/test_chaos.py is the short form)
"""
