from tqcli.errors import JobFailed as JobFailed
from tqcli.functions.client import Client as Client
from tqcli.functions.handle import Handle as Handle
from tqcli.functions.job import job as job

__version__: str
__all__ = ["Client", "Handle", "JobFailed", "job"]
