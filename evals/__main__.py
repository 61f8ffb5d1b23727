"""`python -m evals` is `rsa-eval`."""

from evals.cli import main

main()
