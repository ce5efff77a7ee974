"""The Lab: a real CA and real authoritative DNS on loopback, for tests, the bench and the demo.

    sys.path.insert(0, "<checkout>/tests")
    from lab import Lab
    with Lab(lag=3) as lab:
        ...
"""

from .api import Lab, LabError, renewal_info_id
from .faults import http_date
from .options import Options

__all__ = ["Lab", "LabError", "Options", "http_date", "renewal_info_id"]
