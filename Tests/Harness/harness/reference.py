"""LiteRT's reference kernels: the results that Martlet must equal bit for bit."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType


class Refused(Exception):
    """LiteRT does not run this model, or ends the process over it."""


class Reference:
    """One model in LiteRT with BUILTIN_REF, one thread."""

    def __init__(self, model: bytes) -> None:
        try:
            self.interpreter = Interpreter(
                model_content=model, num_threads=1, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
            )
            self.interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise Refused(str(error).strip().splitlines()[0]) from error
        self.inputs = self.interpreter.get_input_details()
        self.outputs = self.interpreter.get_output_details()

    def run(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Copies of the outputs for these inputs, in the model's own types."""
        try:
            for detail, value in zip(self.inputs, inputs, strict=True):
                self.interpreter.set_tensor(detail["index"], value)
            self.interpreter.invoke()
        except (RuntimeError, ValueError) as error:
            raise Refused(str(error).strip().splitlines()[0]) from error
        return [np.array(self.interpreter.get_tensor(detail["index"])) for detail in self.outputs]


Job = tuple[bytes, list[list[np.ndarray]]]
Answer = list[list[np.ndarray]] | str


def expected(jobs: Sequence[Job]) -> Iterator[Answer]:
    """For each model and its input sets the outputs, or why there are none.

    LiteRT works in a child process, because some of its checks abort; the child is started again after that.
    """
    start = 0
    while start < len(jobs):
        receiver, sender = multiprocessing.Pipe(duplex=False)
        worker = multiprocessing.get_context("fork").Process(target=_work, args=(jobs[start:], sender), daemon=True)
        worker.start()
        sender.close()
        try:
            while start < len(jobs):
                yield receiver.recv()
                start += 1
        except EOFError:
            yield "LiteRT ends the process"
            start += 1
        worker.join()


def _work(jobs: Sequence[Job], sender: Connection) -> None:
    for model, sets in jobs:
        try:
            reference = Reference(model)
            sender.send([reference.run(inputs) for inputs in sets])
        except Refused as refusal:
            sender.send(str(refusal))
