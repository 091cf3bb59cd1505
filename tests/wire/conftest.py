"""Who calls the live server, and what the account behind it holds."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx
import pytest

from demo.azurite import Azurite
from flowservice.app import App
from flowservice.domain.identity import ALL_PERMISSIONS, Permission, Sandbox
from flowservice.settings import Settings
from tests.live import Client, Server
from tests.wire import resources
from tests.wire.resources import FLOW, Dataflow


@pytest.fixture(scope="session")
def app(server: Server) -> Iterator[App]:
    """The same home as the live server's, opened beside it: to make organisations, credentials and sandboxes."""
    beside = App(Settings(home=server.home))
    yield beside
    beside.database.engine.dispose()


@pytest.fixture(scope="session")
def anonymous(server: Server) -> Iterator[httpx.Client]:
    """Calls without any header of ours."""
    with httpx.Client(base_url=server.url, timeout=60) as calls:
        yield calls


@pytest.fixture(scope="session")
def other_org(server: Server, app: App) -> Iterator[Client]:
    """A client of another organisation."""
    org = app.identity.add_org("FEDCBA9876543210FEDCBA98@AdobeOrg", tenant_id="neighbour")
    made = app.identity.add_credential(org.id)
    credentials = {
        "clientId": made.credential.client_id,
        "clientSecret": made.secret,
        "orgId": org.id,
        "scopes": made.credential.scopes,
    }
    with server.client(credentials) as calls:
        yield calls


@pytest.fixture(scope="session")
def prod(server: Server, app: App) -> Sandbox:
    """The default sandbox of the shared organisation."""
    return app.database.tenancy.sandbox(server.credentials()["orgId"], "prod")


@pytest.fixture(scope="session")
def other_sandbox(server: Server, app: App, prod: Sandbox) -> Iterator[Client]:
    """The same credential in another sandbox."""
    app.database.tenancy.add_sandbox(
        replace(prod, id=app.ids.uuid(), name="dev", title="Development", type="development", is_default=False)
    )
    with server.client(sandbox="dev") as calls:
        yield calls


@pytest.fixture(scope="session")
def without(server: Server, app: App) -> Iterator[Callable[[Permission], Client]]:
    """Makes clients that lack one permission: `without(Permission.RUN)`."""
    known = server.credentials()
    full = app.database.tenancy.credential(known["clientId"])
    made: dict[Permission, Client] = {}

    def lacking(permission: Permission) -> Client:
        if permission not in made:
            client_id = app.ids.hex(32)
            app.database.tenancy.add_credential(
                replace(full, client_id=client_id, permissions=ALL_PERMISSIONS - {permission})
            )
            made[permission] = server.client({**known, "clientId": client_id})
        return made[permission]

    yield lacking
    for calls in made.values():
        calls.close()


@pytest.fixture(scope="session")
def people(azurite: Azurite) -> str:
    """A table of 40 people."""
    return resources.seeded(azurite, "people", resources.people(40))


@pytest.fixture(scope="session")
def account(client: Client, azurite: Azurite) -> str:
    """Id of a connection to the emulator."""
    return str(client.made(f"{FLOW}/connections", resources.connection(azurite.connection_string))["id"])


@pytest.fixture(scope="session")
def dataflow(client: Client, azurite: Azurite, people: str) -> Dataflow:
    """All that a flow over the people needs."""
    return resources.dataflow(
        client,
        azurite.connection_string,
        people,
        fields={"name": {"type": "string"}, "age": {"type": "integer"}, "mark": {"type": "integer"}},
        mapping={"RowKey": "_id", "name": ".name", "age": ".age", "mark": ".mark"},
    )


@pytest.fixture(scope="session")
def landed(dataflow: Dataflow) -> str:
    """Id of a flow over the people that has run."""
    flow_id = dataflow.started(name="landed")
    resources.ended(dataflow.client, flow_id)
    return flow_id
