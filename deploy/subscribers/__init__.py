"""Other systems that read the platform's events: their users, rights and streams of their own."""
