"""What every room rests on: errors, whole-or-absent files, logs, processes, locks, provenance."""
