"""Training with TRL. Everything in here needs the extra `train-trl`."""
