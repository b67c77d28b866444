"""Corrected labels: who may be mislabelled, what people say, and the labels that come of it."""
