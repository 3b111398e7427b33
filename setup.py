"""Builds the package; everything declarative is in pyproject.toml.

The compiled send path is optional: where there is no C compiler, or no Cython, the install succeeds without it and Python code does
its work.  KAFKA_REQUIRE_SPEEDUPS=1 makes that an error, KAFKA_SPEEDUPS=0 leaves it out.
"""

import os

from setuptools import Extension, setup


def compiled_twins():
    if os.environ.get("KAFKA_SPEEDUPS") == "0":
        return []
    is_required = os.environ.get("KAFKA_REQUIRE_SPEEDUPS") == "1"
    try:
        from Cython.Build import cythonize
    except ImportError:
        if is_required:
            raise
        return []
    modules = cythonize([Extension("kafka._speedups.append", ["kafka/_speedups/append.pyx"])], build_dir="build/cython")
    for module in modules:
        module.optional = not is_required  # cythonize() makes the extensions anew, and drops this
    return modules


setup(ext_modules=compiled_twins())
