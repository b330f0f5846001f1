"""What the oracle and the benchmarks share: the programs under test, the peers beside them, the corpus."""
