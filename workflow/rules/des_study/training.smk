"""The second study: stamps, splits and trainings of networks."""
