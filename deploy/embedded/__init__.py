"""Kafka, PostgreSQL and the five processes on one machine, from Python packages alone."""
