"""A topic of alerts, scored as it comes (Kafka)."""
