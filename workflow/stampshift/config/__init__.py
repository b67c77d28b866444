"""The configuration as typed objects, checked before the first job. No torch."""
