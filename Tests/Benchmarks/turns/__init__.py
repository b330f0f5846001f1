"""Martlet in turns with other runtimes, on a workstation or a board. It needs the standard library alone."""
