"""Every way to sign in to an account, through the API: what works is stored, and no secret comes out again."""

from typing import Any

import pytest

from demo.azurite import ACCOUNT, KEY, Azurite
from tests.connectors.azure_table.authority import CLIENT_ID, CLIENT_SECRET, TENANT
from tests.connectors.azure_table.signatures import account_sas, table_sas
from tests.live import Client, Server
from tests.wire import resources
from tests.wire.resources import FLOW, people, refusal, seeded

CONNECTIONS = f"{FLOW}/connections"
TABLE = "signedin"


def ways(azurite: Azurite) -> dict[str, dict[str, Any]]:
    """`auth` of a connection to the emulator, in each way that it knows, by what tells them apart."""
    by_key = {"accountName": ACCOUNT, "accountKey": KEY, "endpoint": azurite.endpoint}
    return {
        "string": {"specName": resources.BY_STRING, "params": {"connectionString": azurite.connection_string}},
        "key": {"specName": "Account Key Authentication", "params": by_key},
        "secondary": {"specName": "Account Key Authentication", "params": {**by_key, "readFromSecondary": True}},
        "account": {
            "specName": "SAS URI Authentication",
            "params": {"sasUri": f"{azurite.endpoint}?{account_sas()}"},
        },
        "table": {
            "specName": "SAS URI Authentication",
            "params": {"sasUri": f"{azurite.endpoint}/{TABLE}?{table_sas(TABLE)}"},
        },
    }


def body(auth: dict[str, Any]) -> dict[str, Any]:
    return resources.connection("", auth=auth)


@pytest.mark.parametrize("way", ["string", "key", "secondary", "account", "table"])
def test_each_way_signs_in_explores_and_hides_its_secret(
    client: Client, server: Server, azurite: Azurite, way: str
) -> None:
    auth = ways(azurite)[way]
    seeded(azurite, TABLE, people(3))
    path = f"{CONNECTIONS}/{client.made(CONNECTIONS, body(auth))['id']}"
    shown = client.one(path)["auth"]
    assert shown["specName"] == auth["specName"]
    assert set(shown["params"]) == set(auth["params"])
    assert client.get(f"{path}/test").status_code == 200
    explored = client.get(f"{path}/explore?objectType=table&object={TABLE}")
    assert "name" in explored.text
    (secret,) = [params for params in ("connectionString", "accountKey", "sasUri") if params in auth["params"]]
    hidden = auth["params"][secret]
    pieces = [hidden, hidden.rpartition("sig=")[2][:30] if "sig=" in hidden else KEY[:30]]
    assert shown["params"][secret] == "********"
    for text in (client.get(path).text, explored.text, client.get(CONNECTIONS, params={"limit": "100"}).text):
        assert not [piece for piece in pieces if piece in text]
    for file in (server.log, *(file for file in server.home.rglob("*") if file.is_file())):
        assert not [piece for piece in pieces if piece.encode() in file.read_bytes()], file
    # A GET's own document comes back unchanged: the mask keeps the secret.
    kept = [{"op": "replace", "path": "/auth", "value": shown}]
    assert client.patch(path, json=kept, headers={"If-Match": "*"}).status_code == 200
    assert client.get(f"{path}/test").status_code == 200
    client.delete(path)


@pytest.mark.parametrize(
    ("way", "params", "says"),
    [
        ("account", {"sasUri": "{endpoint}?" + account_sas(se="2020-01-01")}, "expired on 2020-01-01"),
        ("account", {"sasUri": "{endpoint}?" + account_sas(sp="w")}, "auth/params: sasUri cannot read tables"),
        ("account", {"sasUri": "{endpoint}?" + account_sas(ss="b")}, "`ss` lack `t`"),
        ("key", {"accountKey": "AAAA" + KEY[4:]}, "not accepted"),
        ("key", {"accountKey": KEY[:-3]}, "accountKey is not base64"),
        ("key", {"azureCloudType": "AzureMoon"}, "auth/params/azureCloudType"),
        ("key", {"connectionString": "x"}, "auth/params/connectionString"),
        ("key", {"service": "cosmos", "readFromSecondary": True}, "no secondary"),
    ],
)
def test_what_does_not_sign_in_is_refused_with_the_reason(
    client: Client, azurite: Azurite, way: str, params: dict[str, Any], says: str
) -> None:
    auth = ways(azurite)[way]
    if uri := params.get("sasUri"):
        params = {"sasUri": uri.format(endpoint=azurite.endpoint)}
    refused = client.post(CONNECTIONS, json=body({**auth, "params": {**auth["params"], **params}}))
    said = refusal(refused)
    assert says in said["errorMessage"]
    assert said["advice"]
    assert not [piece for piece in (KEY[4:40], "sig=") if piece in refused.text]


def test_a_service_principals_key_is_sealed_and_masked(client: Client, server: Server) -> None:
    params = {
        "accountName": "northwind",
        "tenant": TENANT,
        "servicePrincipalId": CLIENT_ID,
        "servicePrincipalKey": CLIENT_SECRET,
    }
    # A draft, which is not tried: there is no Microsoft Entra ID here.
    auth = {"specName": "Service Principal Based Authentication", "params": params}
    path = f"{CONNECTIONS}/{client.made(f'{CONNECTIONS}?mode=draft', body(auth))['id']}"
    shown = client.one(path)["auth"]["params"]
    assert shown == {**params, "servicePrincipalKey": "********"}
    for file in (server.log, *(file for file in server.home.rglob("*") if file.is_file())):
        assert CLIENT_SECRET.encode() not in file.read_bytes(), file
    client.delete(path)


def test_a_secret_that_is_masked_does_not_go_elsewhere(client: Client, azurite: Azurite) -> None:
    auth = ways(azurite)["key"]
    path = f"{CONNECTIONS}/{client.made(CONNECTIONS, body(auth))['id']}"
    elsewhere = [{"op": "replace", "path": "/auth/params/endpoint", "value": "http://127.0.0.1:1/devstoreaccount1"}]
    said = refusal(client.patch(path, json=elsewhere, headers={"If-Match": "*"}))
    assert "accountKey" in said["errorMessage"]
    assert "endpoint" in said["errorMessage"]
    with_key = [*elsewhere, {"op": "replace", "path": "/auth/params/accountKey", "value": KEY}]
    said = refusal(client.patch(path, json=with_key, headers={"If-Match": "*"}))
    assert "cannot reach 127.0.0.1:1" in said["errorMessage"]
    # The secondary is another host.
    secondary = [{"op": "add", "path": "/auth/params/readFromSecondary", "value": True}]
    assert "accountKey" in refusal(client.patch(path, json=secondary, headers={"If-Match": "*"}))["errorMessage"]
    secondary.append({"op": "replace", "path": "/auth/params/accountKey", "value": KEY})
    assert client.patch(path, json=secondary, headers={"If-Match": "*"}).status_code == 200
    client.delete(path)


def test_nobody_signs_in_as_the_machine_unless_its_operator_allows_it(client: Client) -> None:
    auth = {"specName": "Managed Identity Authentication", "params": {"accountName": "northwind"}}
    said = refusal(client.post(CONNECTIONS, json=body(auth)))
    assert said["code"] == "destination-refused"
    assert "managed_identity" in said["advice"]


def test_the_spec_offers_every_way_with_its_schema(client: Client) -> None:
    offered = client.one(f"{FLOW}/connectionSpecs/{resources.AZURE_TABLE}")["authSpec"]
    assert [(way["name"], way["type"]) for way in offered] == [
        (resources.BY_STRING, "ConnectionString"),
        ("Account Key Authentication", "AccountKey"),
        ("SAS URI Authentication", "SasURI"),
        ("Service Principal Based Authentication", "ServicePrincipal"),
        ("Managed Identity Authentication", "ManagedIdentity"),
    ]
    secrets = {name for way in offered for name, field in way["spec"]["properties"].items() if "format" in field}
    assert secrets == {"connectionString", "accountKey", "sasUri", "servicePrincipalKey"}
