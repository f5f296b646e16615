"""The plumbing: the one part of the library that knows of stages, stores, claims and the audit."""
