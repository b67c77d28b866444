"""Released models inside brokers: one module per broker, which imports nothing of that broker's."""
