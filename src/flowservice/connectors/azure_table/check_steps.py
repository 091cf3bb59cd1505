"""The check of a storage account in steps, from the name of its host to a row of a table."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from itertools import islice
from typing import Final

from flowservice.connectors.azure_table.retries import ONCE
from flowservice.connectors.azure_table.table_service import TableService
from flowservice.errors import Denied, NoSuchObject, SourceError
from flowservice.sdk import CheckStep, Egress, Finding, host_of
from flowservice.sdk.egress import Address

STEPS: Final = (
    CheckStep(name="resolve-host", title="Resolve the host"),
    CheckStep(name="network-policy", title="Network policy of this server"),
    CheckStep(name="tls", title="Connect, with TLS"),
    CheckStep(name="authenticate", title="Sign in"),
    CheckStep(name="list-tables", title="List the tables"),
    CheckStep(name="read-entity", title="Read one entity"),
    CheckStep(name="clock-difference", title="Compare the clocks"),
)
_ALL_S: Final = 25.0
_COUNTED: Final = 1_000
"""Tables of the first page."""
# Signatures of another time are refused by the service beyond that.
_SKEW_ALLOWED: Final = timedelta(minutes=5)
_TOLD: Final = 63
"""Characters of a name that are shown: no table has a longer one."""


class AccountCheck:
    """The steps of one check. What one finds, the next ones use."""

    def __init__(self, service: TableService, egress: Egress, now: Callable[[], datetime]) -> None:
        self._service = service
        self._egress = egress
        self._now = now
        self._host = host_of(service.account.root)
        self._until = time.monotonic() + _ALL_S
        self._found: tuple[Address, ...] = ()
        self._not_listed: Denied | NoSuchObject | None = None
        """Why tables cannot be listed although the sign-in is good."""
        self._table: str | None = None
        self._date: str | None = None

    def take(self, name: str) -> Finding:
        """One step. Raises as `Source.check`."""
        return self._steps[name]()

    @cached_property
    def _steps(self) -> Mapping[str, Callable[[], Finding]]:
        own = (
            self._resolve,
            self._ask_policy,
            self._connect,
            self._sign_in,
            self._list,
            self._read,
            self._compare_clocks,
        )
        return {step.name: take for step, take in zip(STEPS, own, strict=True)}

    def _resolve(self) -> Finding:
        self._found = self._egress.find(self._host)
        return Finding(message=f"{self._host} is known.")

    def _ask_policy(self) -> Finding:
        self._egress.allow(self._host, self._found)
        return Finding(message=f"This server may connect to {self._host}.")

    def _connect(self) -> Finding:
        self._service.reach(until=self._until)
        if self._service.account.root.startswith("https:"):
            return Finding(message="Connected; the certificate is trusted.")
        return Finding(message="Connected without TLS, as the endpoint says: rows are not encrypted on their way.")

    def _sign_in(self) -> Finding:
        try:
            self._date = self._service.ask(until=self._until)
        except (Denied, NoSuchObject) as error:
            if isinstance(error, NoSuchObject) and not self._service.only_table:
                raise
            # Who is told what they may not do, or that a table is gone, was recognised.
            self._not_listed = error
        return Finding(message="The sign-in was accepted.", warnings=self._service.warnings())

    def _list(self) -> Finding:
        if self._not_listed is not None:
            raise self._not_listed
        if self._service.only_table:
            self._table = self._service.only_table
            return Finding(message="The shared access signature is for one table alone.", skipped=True)
        names = list(islice(self._service.tables(retries=ONCE, until=self._until), _COUNTED))
        self._table = names[0] if names else None
        count = f"{len(names):,} and maybe more" if len(names) == _COUNTED else str(len(names))
        return Finding(message=f"Tables: {count}.")

    def _read(self) -> Finding:
        if self._table is None:
            return Finding(message="There is no table yet.", skipped=True)
        query = {"$top": "1"}
        if (condition := self._service.allowed.legs()[0].filter()) is not None:
            query["$filter"] = condition
        found, _, _ = self._service.entities(self._table, query, retries=ONCE, until=self._until)
        table = repr(self._table[:_TOLD])
        return Finding(message=f"Table {table} was read." if found else f"Table {table} was read; it showed no entity.")

    def _compare_clocks(self) -> Finding:
        try:
            date = parsedate_to_datetime(self._date or "").astimezone(UTC)
        except (ValueError, OverflowError):
            return Finding(message="The service does not tell its time.", skipped=True)
        # The service cuts off the part of a second, and its answer took a while.
        skew = self._now() - date
        seconds = round(abs(skew).total_seconds())
        way = "ahead of" if skew > timedelta(0) else "behind"
        if abs(skew) > _SKEW_ALLOWED:
            raise SourceError(
                f"this machine's clock is {seconds / 60:.0f} minutes {way} the service's",
                advice="Set the clock of this machine (NTP): signatures are refused, and windows of time end wrongly.",
            )
        if seconds <= 2:
            return Finding(message="The clocks agree.")
        return Finding(message=f"This machine's clock is {seconds} seconds {way} the service's.")
