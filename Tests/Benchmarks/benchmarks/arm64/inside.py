"""Runs in the emulator: `inside.py MODEL RUNS`, that many inferences by LiteRT's default kernels on one thread.

Each is between two readings of the monotonic clock, all of them between two of the process's time: the counter looks at
those. Prints which file is where in memory.
"""

import os
import sys
import time

import numpy as np
from ai_edge_litert.interpreter import Interpreter

interpreter = Interpreter(model_path=sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
for detail in interpreter.get_input_details():
    # The least that every type has: which values go in does not change the count.
    values = np.random.default_rng(0).integers(0, 100, detail["shape"])
    interpreter.set_tensor(detail["index"], values.astype(detail["dtype"]))
invoke, clock = interpreter.invoke, time.perf_counter_ns
for _ in range(2):
    invoke()
time.process_time_ns()
for _ in range(int(sys.argv[2])):
    clock()
    invoke()
    clock()
time.process_time_ns()
with open("/proc/self/maps") as maps:
    sys.stdout.write(maps.read())
sys.stdout.flush()
os._exit(0)  # the interpreter's own end takes as long as an inference
