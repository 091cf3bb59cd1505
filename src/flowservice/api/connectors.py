"""Companion calls of the Flow Service that this server knows of and does not offer: landing zones, encryption keys."""

from typing import Final

from fastapi import APIRouter

from flowservice.api.calls import NEVER_DONE, Calling
from flowservice.domain.identity import Permission
from flowservice.errors import NotSupported

BASE: Final = "/data/foundation/connectors"


def router() -> APIRouter:
    """Each answers that it is not available, and what to do instead."""
    routes = APIRouter(prefix=BASE, tags=["Landing zones and encryption keys"])

    def no_landing_zone(caller: Calling) -> None:
        """Not available: this server has no storage of its own to upload files to."""
        caller.may(Permission.VIEW_SOURCES)
        raise NotSupported(
            "this server has no landing zone",
            advice="Connect the storage that your files are in; GET /connectionSpecs lists the sources.",
        )

    def no_keys(caller: Calling) -> None:
        """Not available: encrypted files cannot be read."""
        caller.may(Permission.VIEW_SOURCES)
        raise NotSupported("this server reads no encrypted files", advice="Decrypt the files before they are read.")

    for method, path, call, summary in (
        ("GET", "/landingzone", no_landing_zone, "Read the landing zone"),
        ("GET", "/landingzone/credentials", no_landing_zone, "Read the landing zone's credentials"),
        ("POST", "/landingzone/credentials", no_landing_zone, "Renew the landing zone's credentials"),
        ("GET", "/encryption/keys", no_keys, "List encryption keys"),
        ("POST", "/encryption/keys", no_keys, "Create an encryption key"),
    ):
        routes.add_api_route(path, call, methods=[method], summary=summary, name=summary, openapi_extra=NEVER_DONE)
    return routes
