"""What reception does when deadlines of its front have passed, one module a subject."""
