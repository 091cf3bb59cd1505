"""Durable execution of runs on DBOS, in the tables of our own database."""

from flowservice.adapters.dbos.runs import DbosRuns

__all__ = ["DbosRuns"]
