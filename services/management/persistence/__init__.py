"""All SQL of management. Every function takes a connection; none commits."""
