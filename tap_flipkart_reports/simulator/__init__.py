"""A stand-in for Flipkart's Report Management API over real HTTP: stateful, strict, and made to fail on request.

It imports nothing of the tap and reads none of its schemas, so that an error there shows. Who to trust where it goes
beyond the documents: `business/reports.py` says which columns are invented.
"""

from tap_flipkart_reports.simulator.business.reports import IDENTIFIERS
from tap_flipkart_reports.simulator.faults import Faults
from tap_flipkart_reports.simulator.server import Simulator

__all__ = ["IDENTIFIERS", "Faults", "Simulator"]
