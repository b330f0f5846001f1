"""Martlet measured: speed, memory, and accuracy beside other runtimes."""
