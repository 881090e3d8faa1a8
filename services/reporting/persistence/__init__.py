"""All SQL of reporting. Every function takes a connection; none commits."""
