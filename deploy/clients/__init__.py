"""The generator of the services' typed clients in ``shared/clients``."""
