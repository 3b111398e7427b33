"""Whole producers in virtual time, under faults and calls that a seed decides, with every promise checked after every step.

python -m tests.simulation --seeds 1000 runs so many; --first N --seeds 1 runs one again, step by step with --verbose.
run.py plays one seed: circumstances.py draws what it is made of, scene.py sets it up, calls.py and troubles.py are what can happen,
written.py and model.py know what has happened, invariants.py says what must hold.
"""
