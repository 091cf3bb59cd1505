"""Pages that are made from the code: `make docs`. A test compares them with what is committed."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from docs import operations
from flowservice import errors
from flowservice.api.permissions import needed
from flowservice.api.problems import documented
from flowservice.app import App
from flowservice.connectors.azure_table.auths import AUTHS
from flowservice.domain.expressions.signatures import SIGNATURES, Signature
from flowservice.domain.identity import Permission
from flowservice.sdk import json_schema
from flowservice.settings import Settings

FOLDER: Final = Path(__file__).resolve().parent
_MADE: Final = "<!-- Made by `make docs`; change the code, not this page. -->"


def settings_page() -> str:
    """Every setting: its variable, default and meaning."""
    rows = [
        f"| `FLOWSERVICE_{name.upper()}` | `{name}` | {_default(field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(
        [
            "# Settings",
            "",
            _MADE,
            "",
            "A setting comes from the command line where there is an option for it, else from its environment",
            "variable, else from `flowservice.toml` in the working directory, else it has its default.",
            "",
            "| variable | key in `flowservice.toml` | default | meaning |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )


def errors_page() -> str:
    """Every error raised on purpose: its stable code, what the Flow Service answers, what it means."""
    rows = []
    for kind in _tree(errors.Error):
        number, status = documented(kind)
        rows.append(f"| `{kind.code}` | {status} | `{number}` | {_sentence(kind.__doc__ or '')} |")
    return "\n".join(
        [
            "# Errors",
            "",
            _MADE,
            "",
            "Every refusal says what failed and why (`errorMessage`, `detail` or `title`, by the service called), what",
            "to do next (`advice`), a stable `code`, and the request id (also in the header `x-request-id`).",
            "The status is that of every service; the number is what the Flow Service's own calls put into `type`.",
            "Codes that only runs report stand in `metrics.statusSummary.errors[].code`.",
            "",
            "| code | status | number | meaning |",
            "| --- | --- | --- | --- |",
            *sorted(set(rows)),
            "",
            'Before any service, the gateway answers `{"error_code", "message"}`: 403010 no token, 401013 token',
            "not valid, 403000 no api key, 403003 api key not the token's, 400003 no organisation header, 403025",
            "another organisation, 403027 malformed organisation.",
            "",
        ]
    )


def permissions_page() -> str:
    """Every call with the permissions that it needs."""
    with TemporaryDirectory() as folder:
        app = App(Settings(home=Path(folder)))
        document = app.web(on_start=_nothing, on_stop=_nothing, wake=_nothing, clear=_nothing).openapi()
        app.database.engine.dispose()
    rows = []
    for path, calls in sorted(document["paths"].items()):
        if not path.startswith(("/data/", "/v1/")):
            continue
        for method, call in calls.items():
            names = [f"`{permission.value}`" for permission in needed(method.upper(), path)]
            rows.append(f"| `{method.upper()} {path}` | {call['summary']} | {', '.join(names) or '—'} |")
    known = ", ".join(f"`{permission.value}`" for permission in Permission)
    table = ["| call | what it does | permissions |", "| --- | --- | --- |", *rows, ""]
    return "\n".join([_PERMISSIONS.format(made=_MADE, known=known), *table])


_PERMISSIONS: Final = """\
# Permissions

{made}

A credential has some of a fixed set of permissions:
{known}.
Each call needs all that stand beside it; without one of them it is refused with 403 (FLOW-2118-403 on paths of the
Flow Service). A change of a credential's permissions counts at once, also for tokens that are out.

Two calls need more where they do more: `PATCH /connections/{{id}}` that changes `auth` needs `manage-secrets`, and
`explore` with `preview=true` needs `view-data`. A dry run of a flow reads as a run does and shows rows, and needs both
permissions.

`view-masked-data` opens no call: without it, rows show a mark in place of values that [labels](labels.md) hide.

Nobody grants what they do not have: a new credential, and one whose secret is rotated, may do at most what its
administrator may. The last credential of an organisation that may administer cannot be revoked, nor can it lose that
permission. The operator who owns the home may do everything:

```
flowservice orgs add NORTHWIND@AdobeOrg
flowservice credentials add --org NORTHWIND@AdobeOrg --name loader --permission view-sources --permission run
flowservice credentials list --org NORTHWIND@AdobeOrg
flowservice credentials rotate <client id>
flowservice credentials revoke <client id>
```

A rotated credential's old secret gets no more tokens; those that are out live on until they expire. A revoked one's
tokens stop at once.
"""


_FUNCTIONS: Final = """\
# Functions of expressions

{made}

What they take, and what all of them do about nulls and errors, is told in [Expressions of mappings](expressions.md).
Most work on whole columns. Python takes each different value apart in those marked with *, as no expression over
columns can: they are slower by ten to a hundred times. It also takes each pair of decimals for `%`. Patterns,
separators, formats and places are meant to be constants: where they come from a column, rows are taken together by
their values, a few thousand different ones a second.
"""
_BY_VALUE: Final = ("hashing", "url", "analytics", "user-agent")
_BY_VALUE_TOO: Final = frozenset(("str_to_object", "get_values", "json_to_object"))


def functions_page() -> str:
    """Every function of expressions, by what it is for."""
    parts = [_FUNCTIONS.format(made=_MADE)]
    listed = [signature for name, signature in SIGNATURES.items() if name == signature.name]
    for category in dict.fromkeys(signature.category for signature in listed):
        rows = [_function_row(signature) for signature in listed if signature.category == category]
        head = ["| function | what it does | example |", "| --- | --- | --- |"]
        parts.append("\n".join([f"## {category}", "", *head, *rows, ""]))
    return "\n".join([*parts, _examples_told()])


def _examples_told() -> str:
    """How the published examples come out: what the tests hold them to."""
    vectors = json.loads((FOLDER.parent / "tests" / "expressions" / "vectors.json").read_text(encoding="utf-8"))
    of = Counter(vector["status"] for vector in vectors)
    decided = [vector for vector in vectors if vector["status"] == "decided"]
    cells = ((f"`{vector['expression']}`", _shown(vector), vector["why"]) for vector in decided)
    rows = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in cells]
    return _EXAMPLES.format(
        exact=of["exact"], decided=of["decided"], random=of["random"], hidden=of["not public"], rows="\n".join(rows)
    )


def _shown(vector: dict[str, Any]) -> str:
    published = json.dumps(vector["published"], ensure_ascii=False)
    ours = "an error" if vector["result"] == "error" else f"`{json.dumps(vector['result'], ensure_ascii=False)}`"
    return f"published `{published}`, here {ours}"


_EXAMPLES: Final = """\
## Published examples

Of the published examples {exact} give exactly the published result. {random} give something random, of which the shape
is as published; the rule of {hidden} is not public. {decided} are ambiguous or contradict themselves:

| example | result | why |
| --- | --- | --- |
{rows}
"""


def _function_row(signature: Signature) -> str:
    star = "*" if signature.category in _BY_VALUE or signature.name in _BY_VALUE_TOO else ""
    also = "".join(f", `{alias}`" for alias in signature.aliases)
    example = f"`{signature.example}` → `{json.dumps(signature.result, ensure_ascii=False)}`"
    cells = (f"`{signature.syntax}`{also}{star}", signature.description, example)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def signin_page() -> str:
    """Every way to sign in to Azure Table Storage: its fields and what they mean."""
    parts = [_SIGNIN.format(made=_MADE)]
    for auth in AUTHS:
        schema = json_schema(auth.config)
        required = schema.get("required", ())
        rows = [
            f"| `{name}` | {'yes' if name in required else 'no'} | {_kind(field)} | {field['description']} |"
            for name, field in schema["properties"].items()
        ]
        head = ["| parameter | required | type | meaning |", "| --- | --- | --- | --- |"]
        parts.append("\n".join([f"## {auth.name}", "", *head, *rows, ""]))
    return "\n".join(parts)


def _kind(field: Mapping[str, Any]) -> str:
    kinds = [option.get("type") for option in field.get("anyOf", ({"type": field.get("type")},))]
    if field.get("format") == "password":
        return "secret"
    return ", ".join(f"`{word}`" for word in field["enum"]) if "enum" in field else next(filter(None, kinds))


_SIGNIN: Final = """\
# Signing in to Azure Table Storage

{made}

`auth.specName` of a connection names one of the ways below, `auth.params` holds its parameters. Secrets are sealed,
and shown as `********`; a PATCH that leaves the mask keeps the secret, unless it changes where the secret is sent to.
The same ways lead to the Table API of Cosmos DB (not with a shared access signature) and, by `endpoint`, to the
emulators.

- **What a shared access signature must allow**: reading (`sp=r`); one of an account also tables and objects (`ss=t`,
  `srt=o`), and listing (`sp=l`, `srt=c`) for exploring. One that cannot read is refused when it is given, an expired
  one when it is used, and a run whose signature ends within a day says so in the log. One for a range of keys reads
  that range.
- **Microsoft Entra ID**: the identity needs the role *Storage Table Data Reader* on the account. Tokens are renewed
  before they expire, and are sent to Azure's own hosts alone, over https; those of a service principal to an emulator
  on this machine, too. The token endpoint is a destination like any other: where only allowed ones may be reached,
  list `login.microsoftonline.com` (China `login.chinacloudapi.cn`, US Government `login.microsoftonline.us`) in
  `egress_allowed`.
- **A managed identity is the server's own.** Every caller who may make connections could read with it. Therefore it
  is off until the operator sets `managed_identity`.
- **The secondary** (RA-GRS, RA-GZRS) is read with `readFromSecondary`, or by its address in a connection string
  (`AccountName=northwind;TableEndpoint=https://northwind-secondary.table.core.windows.net;…`). It lags: a window ends
  where its rows do (`LastSyncTime`), which the account's key, an identity, or a signature with `srt=s` may ask for.
- **The emulator of Cosmos DB** is known by its documented account name `localhost`, port 8902 or key; say `service:
  cosmos` where all three are others.
- **Certificates** are those that the machine trusts. Where an own authority signs them (a private endpoint behind TLS
  inspection, an emulator), the environment variable `SSL_CERT_FILE` names the file of those to trust.
"""


def _nothing() -> None:
    return


PAGES: Final = {
    "settings.md": settings_page,
    "errors.md": errors_page,
    "permissions.md": permissions_page,
    "operations.md": operations.page,
    "azure-table-storage.md": signin_page,
    "functions.md": functions_page,
}


def _tree(kind: type[errors.Error]) -> Iterator[type[errors.Error]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _tree(child)


def _default(value: object) -> str:
    if isinstance(value, tuple):
        value = ",".join(value) or None
    return "—" if value is None else f"`{value}`"


def _sentence(text: str) -> str:
    return re.sub(r"\s+", " ", text.split("\n\n", maxsplit=1)[0]).strip()


if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
