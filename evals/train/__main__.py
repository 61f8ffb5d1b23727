"""`python -m evals.train` is `rsa-train`."""

from evals.train.cli import main

main()
