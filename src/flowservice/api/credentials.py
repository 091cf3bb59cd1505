"""Credentials of the caller's organisation: our own addition, for those who administer it."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Response
from starlette.requests import Request

from flowservice.api import answers, wire
from flowservice.api import neighbour_answers as told
from flowservice.api.calls import Calling
from flowservice.domain.identity import named_permissions
from flowservice.service.credentials import Credentials, NewCredential

BASE: Final = "/v1/credentials"
ClientId = Annotated[str, Path(description="Client id of a credential: 32 hexadecimal digits.")]


def router(credentials: Credentials, public_url: str | None) -> APIRouter:
    """List, make, read, change, rotate and revoke. Without a `public_url`, a caller's own address is told as ours."""
    routes = APIRouter(prefix=BASE, tags=["Credentials"])

    def told_once(made: NewCredential, request: Request, response: Response) -> dict[str, Any]:
        response.headers["Cache-Control"] = "no-store"
        token_url = (public_url or str(request.base_url)).rstrip("/") + "/ims/token/v3"
        return {**wire.credential(made.credential), "clientSecret": made.secret, "tokenUrl": token_url}

    @routes.get("", summary="List credentials", responses=answers.of(told.Credentials))
    def listed(caller: Calling) -> dict[str, Any]:
        return {"credentials": [wire.credential(known) for known in credentials.all(caller)]}

    @routes.post(
        "", status_code=201, summary="Make a credential", responses=answers.of(told.CredentialSecret, status=201)
    )
    def add(caller: Calling, body: wire.CredentialBody, request: Request, response: Response) -> dict[str, Any]:
        """The answer is the only one that ever tells the secret. Nobody can grant what they do not have."""
        granted = None if body.permissions is None else named_permissions(body.permissions)
        return told_once(credentials.add(caller, name=body.name or "", permissions=granted), request, response)

    @routes.get("/{client_id}", summary="Read a credential", responses=answers.of(told.Credential))
    def read(caller: Calling, client_id: ClientId) -> dict[str, Any]:
        return wire.credential(credentials.get(caller, client_id))

    @routes.patch(
        "/{client_id}",
        summary="Change the name or the permissions of a credential",
        responses=answers.of(told.Credential),
    )
    def change(caller: Calling, client_id: ClientId, body: wire.CredentialBody) -> dict[str, Any]:
        granted = None if body.permissions is None else named_permissions(body.permissions)
        return wire.credential(credentials.change(caller, client_id, name=body.name, permissions=granted))

    @routes.post(
        "/{client_id}/rotate",
        summary="Give a credential a new secret",
        responses=answers.of(told.CredentialSecret),
    )
    def rotate(caller: Calling, client_id: ClientId, request: Request, response: Response) -> dict[str, Any]:
        """The old secret is of no more use. Tokens that are out live on; to stop them, revoke the credential."""
        return told_once(credentials.rotate(caller, client_id), request, response)

    @routes.delete("/{client_id}", status_code=204, summary="Revoke a credential")
    def revoke(caller: Calling, client_id: ClientId) -> None:
        """Its tokens stop working at once. The last one that may administer cannot be revoked."""
        credentials.revoke(caller, client_id)

    return routes
