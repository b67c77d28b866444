"""Numbers from labels and scores: metrics, curves, calibration, intervals. No torch."""
