"""Drafts of forms: kept as they are, and checked only once what they describe is made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from flowservice.domain.draft import MAX_BYTES, MAX_DRAFTS, Draft, DraftKind
from flowservice.domain.identity import Caller, Permission
from flowservice.domain.resource import Stamp
from flowservice.errors import BadField, DraftLimit
from flowservice.ports.database import Database, every
from flowservice.ports.runtime import Clock, Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftContent:
    """What a user says of a draft."""

    name: str
    kind: DraftKind
    step: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormDrafts:
    """The drafts of a sandbox, which all who work in it share."""

    database: Database
    now: Clock
    ids: Ids

    def list(self, caller: Caller) -> Sequence[Draft]:
        """All of them, those first that were changed last."""
        caller.may(Permission.VIEW_SOURCES)
        drafts = every(self.database.drafts, caller.scope)
        return sorted(drafts, key=lambda draft: draft.stamp.updated.at, reverse=True)

    def get(self, caller: Caller, draft_id: str) -> Draft:
        """Raises NotFound."""
        caller.may(Permission.VIEW_SOURCES)
        return self.database.drafts.get(caller.scope, draft_id)

    def create(self, caller: Caller, content: DraftContent) -> Draft:
        """A new draft. Raises BadField for a body that is too large, DraftLimit."""
        caller.may(Permission.MANAGE_SOURCES)
        _check_size(content)
        draft = Draft(id=self.ids.uuid(), stamp=Stamp.first(caller, at=self.now()), **_members(content))
        with self.database.transaction() as database:
            # Nobody adds another one between the count and the end.
            database.tenancy.hold(caller.scope.org_id)
            if sum(1 for _ in every(database.drafts, caller.scope)) >= MAX_DRAFTS:
                raise DraftLimit(
                    f"the sandbox has {MAX_DRAFTS} drafts, as many as it may have",
                    advice="Finish or delete some: GET /v1/drafts lists them.",
                )
            database.drafts.add(draft)
        return draft

    def change(self, caller: Caller, draft: Draft, content: DraftContent) -> Draft:
        """The draft with other content. Raises BadField, Stale, NotFound."""
        caller.may(Permission.MANAGE_SOURCES)
        _check_size(content)
        changed = replace(draft, stamp=draft.stamp.moved(caller, at=self.now()), **_members(content))
        self.database.drafts.replace(draft, changed)
        return changed

    def delete(self, caller: Caller, draft: Draft) -> None:
        """Raises Stale, NotFound."""
        caller.may(Permission.MANAGE_SOURCES)
        self.database.drafts.delete(draft)


def _check_size(content: DraftContent) -> None:
    size = len(orjson.dumps(content.body))
    if size > MAX_BYTES:
        raise BadField(
            f"body: {size:,} bytes of JSON, and {MAX_BYTES:,} are taken",
            advice="Leave out what can be read again, such as rows of a preview.",
        )


def _members(content: DraftContent) -> dict[str, Any]:
    return {"name": content.name, "kind": content.kind, "step": content.step, "body": content.body}
