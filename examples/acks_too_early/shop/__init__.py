"""A shop that handles orders from a stream."""
