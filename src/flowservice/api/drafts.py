"""Drafts of forms with several steps, such as a new dataflow: our own addition."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Response
from pydantic import Field

from flowservice.api import answers, wire
from flowservice.api import draft_answers as told
from flowservice.api.calls import Calling, IfMatch, matching
from flowservice.domain.draft import MAX_BYTES, Draft, DraftKind
from flowservice.domain.resource import MAX_NAME
from flowservice.service.form_drafts import DraftContent, FormDrafts

BASE: Final = "/v1/drafts"
DraftId = Annotated[str, Path(description="Id of a draft: a UUID.")]
_DRAFT: Final[Any] = answers.of(told.Draft)


class DraftBody(wire.Wire):
    """A draft. The server keeps it, and reads nothing of its body."""

    name: str = Field(min_length=1, max_length=MAX_NAME)
    kind: Annotated[DraftKind, Field(strict=False)] = Field(description="What is being made.")
    step: str = Field(min_length=1, max_length=40, description="Where whoever goes on begins.")
    body: dict[str, Any] = Field(description=f"What was filled in: {MAX_BYTES:,} bytes of JSON at most. No secrets.")

    def content(self) -> DraftContent:
        """As the service takes it."""
        return DraftContent(name=self.name, kind=self.kind, step=self.step, body=self.body)


def router(drafts: FormDrafts) -> APIRouter:
    """List, make, read, replace and delete."""
    routes = APIRouter(prefix=BASE, tags=["Drafts"])

    @routes.get("", summary="List drafts", name="list", responses=answers.of(told.Drafts))
    def listed(caller: Calling) -> dict[str, Any]:
        """All of the sandbox without their bodies, those first that were changed last."""
        return {"items": [_line(draft) for draft in drafts.list(caller)]}

    @routes.post(
        "", status_code=201, summary="Keep a draft", name="create", responses=answers.of(told.Draft, status=201)
    )
    def create(caller: Calling, body: DraftBody, response: Response) -> dict[str, Any]:
        """A sandbox has 200 of them at most."""
        draft = drafts.create(caller, body.content())
        response.headers["Location"] = f"{BASE}/{draft.id}"
        return _shown(draft)

    @routes.get("/{draft_id}", summary="Read a draft", name="read", responses=_DRAFT)
    def read(caller: Calling, draft_id: DraftId) -> dict[str, Any]:
        return _shown(drafts.get(caller, draft_id))

    @routes.put("/{draft_id}", summary="Replace a draft", name="replace", responses=_DRAFT)
    def replace(caller: Calling, draft_id: DraftId, if_match: IfMatch, body: DraftBody) -> dict[str, Any]:
        """The body is whole. With the etag of an earlier reading it is 412, and nothing is lost."""
        draft = drafts.get(caller, draft_id)
        matching(draft, if_match)
        return _shown(drafts.change(caller, draft, body.content()))

    @routes.delete("/{draft_id}", status_code=204, summary="Delete a draft", name="delete")
    def delete(caller: Calling, draft_id: DraftId, if_match: IfMatch) -> None:
        draft = drafts.get(caller, draft_id)
        matching(draft, if_match, required=False)
        drafts.delete(caller, draft)

    return routes


def _line(draft: Draft) -> dict[str, Any]:
    return {**wire.stamped(draft), "kind": draft.kind.value, "step": draft.step}


def _shown(draft: Draft) -> dict[str, Any]:
    return {**_line(draft), "body": draft.body}
