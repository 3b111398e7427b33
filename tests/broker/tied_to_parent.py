"""Run a program that the kernel kills as soon as the process that started it is gone (Linux).

    python -I tied_to_parent.py PID_OF_PARENT PROGRAM [ARGUMENT...]

A wrapper program, since code between fork() and exec() is unsafe in a parent that has threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    parent, program = int(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() == parent:  # else it died before the line above took effect
        os.execvp(program[0], program)
