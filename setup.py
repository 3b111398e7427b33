"""Builds the package; everything declarative is in pyproject.toml.

The compiled code is optional: where there is no C compiler, or no Cython, the install succeeds without it and Python code does
its work.  KAFKA_REQUIRE_SPEEDUPS=1 makes that an error, KAFKA_SPEEDUPS=0 leaves it out.
"""

import os
import runpy

from setuptools import Extension, setup


def compiled_modules():
    if os.environ.get("KAFKA_SPEEDUPS") == "0":
        return []
    is_required = os.environ.get("KAFKA_REQUIRE_SPEEDUPS") == "1"
    try:
        from Cython.Build import cythonize
    except ImportError:
        if is_required:
            raise
        return []
    named = runpy.run_path("kafka/_speedups/__init__.py")
    sources = {name: name.replace(".", "/") + ".pyx" for name in named["TWINS"]}
    sources.update((name, name.replace(".", "/") + ".py") for name in named["FROM_SOURCE"])
    modules = cythonize(
        [Extension(name, [path]) for name, path in sources.items()],
        build_dir="build/cython",
        compiler_directives={"language_level": 3, "annotation_typing": False},
    )
    for module in modules:
        module.optional = not is_required  # cythonize() makes the extensions anew, and drops this
    return modules


setup(ext_modules=compiled_modules(), options={"build_ext": {"parallel": os.cpu_count() or 1}})
