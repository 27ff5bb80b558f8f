"""One page a file: a handler from ``Context`` to a response, composed from components."""
