"""Documents that are generated from the code, and kept equal to it by ``make lint``."""
