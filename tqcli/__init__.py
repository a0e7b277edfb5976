"""tq: a job runner on NATS JetStream, small enough for a laptop, true on a fleet."""

__version__ = "0.1.0"
