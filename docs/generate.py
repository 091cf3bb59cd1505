"""Pages that are made from the code: `make docs`. A test compares them with what is committed."""

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from docs import operations
from flowservice import errors
from flowservice.api.permissions import needed
from flowservice.api.problems import documented
from flowservice.app import App
from flowservice.domain.identity import Permission
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
`explore` with `preview=true` needs `view-data`.

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


def _nothing() -> None:
    return


PAGES: Final = {
    "settings.md": settings_page,
    "errors.md": errors_page,
    "permissions.md": permissions_page,
    "operations.md": operations.page,
}


def _tree(kind: type[errors.Error]) -> Iterator[type[errors.Error]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _tree(child)


def _default(value: object) -> str:
    return "—" if value is None else f"`{value}`"


def _sentence(text: str) -> str:
    return re.sub(r"\s+", " ", text.split("\n\n", maxsplit=1)[0]).strip()


if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
