"""Benchmarks on top of `rsa`: the command `rsa-eval`."""
