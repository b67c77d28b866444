"""What an experiment will cost, reported before anything is spent."""
