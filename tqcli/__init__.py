"""tq: a job runner on NATS JetStream, small enough for a laptop, true on a fleet.

For Python programs: `job` makes a function one that can run as a job, `Client` is a connection to a broker, `Handle`
stands for a job that was submitted, and `JobFailed` is raised where its result is asked for and it did not succeed.
See `tqcli.functions`. They are loaded when they are first used; type checkers find them in `__init__.pyi`.
"""

__version__ = "0.1.0"
__all__ = ["Client", "Handle", "JobFailed", "job"]

_PLACES = {
    "Client": "tqcli.functions.client",
    "Handle": "tqcli.functions.handle",
    "JobFailed": "tqcli.errors",
    "job": "tqcli.functions.job",
}


def __getattr__(name: str) -> object:
    """Return what a user imports from here."""
    place = _PLACES.get(name)
    if place is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from importlib import import_module  # noqa: PLC0415 - only for who needs it

    return getattr(import_module(place), name)
