"""Which call needs which permission, whoever answers it: enforced by the gateway, and a page of the docs.

Two calls need more where they do more, which only the service sees: changing the auth of a connection, and looking at
rows of a source.
"""

import re
from dataclasses import dataclass
from typing import Final

from flowservice.domain.identity import Permission

_FLOW: Final = "/data/foundation/flowservice"
_PREP: Final = "/data/foundation/conversion"
_MANAGING: Final = (Permission.VIEW_SOURCES, Permission.MANAGE_SOURCES)
"""Nobody changes what they may not see: etags, schemas and mappings are looked at on the way."""
_READ: Final = frozenset({"GET", "HEAD", "OPTIONS"})


OF_THE_ORG: Final = ("/data/foundation/sandbox-management", "/v1/credentials")
"""Paths of what belongs to an organisation: the sandbox header plays no part there."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Calls of a path by a method (`read`: GET and its kin; `write`: all others; `any`) need all these permissions."""

    methods: str
    path: str
    permissions: tuple[Permission, ...] = ()

    def covers(self, method: str, path: str) -> bool:
        """Whether it speaks of this call."""
        if self.methods == "read":
            fits = method in _READ
        elif self.methods == "write":
            fits = method not in _READ
        else:
            fits = self.methods in {"any", method}
        # A path may hold line breaks, too.
        return fits and re.fullmatch(self.path, path, re.DOTALL) is not None


RULES: Final = (
    # Signing in and out, and who one is.
    Rule("any", r"/v1/session"),
    # What belongs to the whole organisation.
    Rule("read", r"/data/foundation/sandbox-management(/.*)?"),
    Rule("write", r"/data/foundation/sandbox-management(/.*)?", (Permission.ADMINISTER,)),
    Rule("any", r"/v1/credentials(/.*)?", (Permission.ADMINISTER,)),
    # It reads as a run does, and shows rows as a preview does.
    Rule("POST", r"/v1/flows/[^/]+/dryRun", (Permission.VIEW_SOURCES, Permission.RUN, Permission.VIEW_DATA)),
    Rule("POST", r"/v1/flows/[^/]+/run", (Permission.VIEW_SOURCES, Permission.RUN)),
    Rule("POST", r"/v1/runs/[^/]+/(undo|cancel|replay)", (Permission.VIEW_SOURCES, Permission.RUN)),
    # Rows of the source, in whole.
    Rule("read", r"/v1/(runs|datasets)/[^/]+/rejects", (Permission.VIEW_SOURCES, Permission.VIEW_DATA)),
    Rule("read", r"/data/foundation/export/.*", (Permission.VIEW_SOURCES, Permission.VIEW_DATA)),
    # Asked with POST, but nothing changes.
    Rule("POST", _FLOW + r"/\w+/search", (Permission.VIEW_SOURCES,)),
    Rule("POST", _PREP + r"/mappingSets/(validate|preview|suggestion)", (Permission.VIEW_SOURCES,)),
    Rule("POST", _PREP + r"/languages/el/validate", (Permission.VIEW_SOURCES,)),
    Rule("POST", r"/v1/(schedules/preview|mapping-tables/(read|write))", (Permission.VIEW_SOURCES,)),
    Rule(
        "POST",
        r"/data/foundation/dulepolicy/(bulk-eval|marketingActions/(core|custom)/[^/]+/constraints)",
        (Permission.VIEW_SOURCES,),
    ),
    # A new connection brings secrets, also one that is only tried.
    Rule("POST", rf"({_FLOW}/connections|/v1/connections/check)", (*_MANAGING, Permission.MANAGE_SECRETS)),
    Rule("POST", r"/v1/connections/[^/]+/check", (Permission.VIEW_SOURCES,)),
    Rule("POST", _FLOW + r"/runs", (Permission.RUN,)),
    Rule("write", _FLOW + r"/runs/.*", (Permission.VIEW_SOURCES, Permission.RUN)),
    # Everything else is about sources and where they land.
    Rule("read", r".*", (Permission.VIEW_SOURCES,)),
    Rule("write", r".*", _MANAGING),
)
"""The first that covers a call counts."""


def needed(method: str, path: str) -> tuple[Permission, ...]:
    """The permissions that a call needs, all of them."""
    return next(rule.permissions for rule in RULES if rule.covers(method, path))
