"""The training loop, its samples, checkpoints and cohorts."""
