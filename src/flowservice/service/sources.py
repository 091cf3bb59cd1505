"""Opening what a connection points at."""

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from flowservice.domain.connection import Connection, Signin
from flowservice.errors import UnknownAuth
from flowservice.ports.runtime import SecretBox
from flowservice.sdk import Auth, Connector, Egress, Located, Source, parsed, secret_fields
from flowservice.service.specs import Specs


@dataclass(frozen=True, slots=True)
class OpenSources:
    """Fills `ports.runtime.Sources`: finds the connector, unseals the secrets, opens."""

    specs: Specs
    secrets: SecretBox
    egress: Egress
    """Where sources may connect to."""

    def open(self, connection: Connection) -> Source:
        """The source of a stored connection. Raises NoConnector, UnknownAuth."""
        connector = self.specs.connector(connection.stamp.scope, connection.spec.id)
        signin = connection.auth or Signin(spec_name="", params={})
        auth_named(connector, signin.spec_name)
        return self.open_with(connector, signin.spec_name, self.revealed(connection))

    def open_with(self, connector: Connector, auth_name: str, params: Mapping[str, Any]) -> Source:
        """A source of `connector` that no connection stands for. Raises UnknownAuth, BadField, MissingField."""
        auth = auth_named(connector, auth_name)
        return connector.open(auth.name, self.config(auth, params), self.egress)

    def account_names(self, connection: Connection) -> frozenset[str]:
        """What the source of a stored connection is called there; nothing if it cannot tell. Dials nothing.

        Raises as `open`.
        """
        with closing(self.open(connection)) as source:
            return source.account_names if isinstance(source, Located) else frozenset()

    def config(self, auth: Auth, params: Mapping[str, Any]) -> BaseModel:
        """`params` as the auth's configuration. Raises BadField."""
        return parsed(auth.config, params, at="auth/params")

    def sealed(self, auth: Auth, params: Mapping[str, Any], *, owner: str) -> Signin:
        """`params` with the secret ones sealed for the connection `owner`."""
        secret = {name: value for name, value in params.items() if name in secret_fields(auth.config)}
        shown = {name: value for name, value in params.items() if name not in secret}
        sealed = self.secrets.seal(json.dumps(secret).encode(), owner=owner) if secret else ""
        return Signin(spec_name=auth.name, params=shown, sealed=sealed)

    def renewed(self, connection: Connection) -> Connection:
        """The connection with its secret sealed by the key that seals now; itself if it is so, or has no secret."""
        return renewed(connection, self.secrets)

    def revealed(self, connection: Connection) -> Mapping[str, Any]:
        """The auth params with the secrets in clear: on their way to the source, never to a client."""
        if connection.auth is None:
            return {}
        if not connection.auth.sealed:
            return connection.auth.params
        secret = json.loads(self.secrets.open(connection.auth.sealed, owner=connection.id))
        return {**connection.auth.params, **secret}


def renewed(connection: Connection, box: SecretBox) -> Connection:
    """The connection with its secret sealed by the key that seals now; itself if it is so, or has no secret.

    Raises Invalid if its secret cannot be opened.
    """
    auth = connection.auth
    if auth is None or not auth.sealed:
        return connection
    sealed = box.renewed(auth.sealed, owner=connection.id)
    return connection if sealed == auth.sealed else replace(connection, auth=replace(auth, sealed=sealed))


def auth_named(connector: Connector, name: str) -> Auth:
    """The connector's auth of that name. Raises UnknownAuth."""
    for auth in connector.auths:
        if auth.name == name:
            return auth
    known = ", ".join(repr(auth.name) for auth in connector.auths)
    raise UnknownAuth(f"{connector.name} has no auth of that name", advice=f"auth.specName must be one of {known}.")
