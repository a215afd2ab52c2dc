"""Benchmarks: each prints its distribution, the machine, and the cost of reading the clock."""
