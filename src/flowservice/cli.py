"""The command line: arguments in, the application called. Modules are imported where they are needed."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from flowservice import VERSION
from flowservice.errors import BadField, Error

app = typer.Typer(
    name="flowservice",
    help="Open, self-hosted Flow Service: collects data from other systems and lands it in lake tables.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
credentials = typer.Typer(help="Credentials of this server.", no_args_is_help=True)
orgs = typer.Typer(help="Organisations of this server.", no_args_is_help=True)
app.add_typer(credentials, name="credentials")
keys = typer.Typer(help="Keys that seal secrets and sign tokens.", no_args_is_help=True)
app.add_typer(orgs, name="orgs")
app.add_typer(keys, name="keys")
flows = typer.Typer(help="Flows of this server.", no_args_is_help=True)
app.add_typer(flows, name="flows")
lake = typer.Typer(help="Tables of the lake.", no_args_is_help=True)
app.add_typer(lake, name="lake")


runs = typer.Typer(help="Runs of this server.", no_args_is_help=True)
app.add_typer(runs, name="runs")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
OrgOption = Annotated[str | None, typer.Option("--org", help="Organisation (default: the first of this home).")]
ClientId = Annotated[str, typer.Argument(help="Client id, as `credentials list` shows it.")]
Home = Annotated[Path | None, typer.Option(help="Folder of everything the service keeps (default ./.flowservice).")]


def main() -> None:
    """The entry point of the `flowservice` command."""
    app()


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"flowservice {VERSION}")
        raise typer.Exit


@app.callback()
def _root(
    _version_wanted: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    return


@contextmanager
def _reported() -> Iterator[None]:
    """An error on purpose as two lines for people: what failed, and what to do."""
    try:
        yield
    except Error as error:
        typer.echo(f"flowservice: {error.message}", err=True)
        if error.advice:
            typer.echo(f"  {error.advice}", err=True)
        raise typer.Exit(1) from None


def _settings(home: Path | None, **others: Any) -> Any:
    from tomllib import TOMLDecodeError

    from pydantic import ValidationError

    from flowservice.settings import Settings

    given = {name: value for name, value in {"home": home, **others}.items() if value is not None}
    try:
        return Settings(**given)
    except TOMLDecodeError as error:
        raise BadField(f"flowservice.toml is not TOML: {error}") from None
    except ValidationError as error:
        # `from None`: pydantic's own message quotes the value, which may hold a password.
        wrong = "; ".join(f"{problem['loc'][0]}: {problem['msg']}" for problem in error.errors(include_input=False))
        raise BadField(
            f"a setting is wrong: {wrong}",
            advice="It comes from an option, a variable FLOWSERVICE_… or flowservice.toml in this folder.",
        ) from None


@app.command()
def serve(
    home: Home = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on (default 127.0.0.1).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (default 8080); 0 takes a free one.")] = None,
) -> None:
    """Run everything in one process: API, schedule and worker."""
    from flowservice.serving import run

    with _reported():
        run(_settings(home, host=host, port=port))


@credentials.command("show")
def credentials_show(home: Home = None, as_json: AsJson = False) -> None:
    """Print the first credential."""
    from flowservice.app import read_credentials

    with _reported():
        found = read_credentials(_settings(home).credentials_path)
    _print_fields(found, as_json)


@credentials.command("list")
def credentials_list(org: OrgOption = None, home: Home = None, as_json: AsJson = False) -> None:
    """Print the credentials of an organisation, without their secrets."""
    from flowservice.operating import Tenancy

    with _reported():
        found = Tenancy(_settings(home)).credentials(org)
    _print_rows(found, as_json)


@credentials.command("add")
def credentials_add(
    org: OrgOption = None,
    permission: Annotated[
        list[str] | None, typer.Option(help="A permission it has; may be repeated (default: all of them).")
    ] = None,
    name: Annotated[str, typer.Option(help="What you call it.")] = "",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Make a credential and print it: the only time that its secret is shown."""
    from flowservice.operating import Tenancy

    with _reported():
        made = Tenancy(_settings(home)).add_credential(org, name=name, permissions=permission)
    _print_fields(made, as_json)


@credentials.command("rotate")
def credentials_rotate(client_id: ClientId, org: OrgOption = None, home: Home = None, as_json: AsJson = False) -> None:
    """Give a credential a new secret and print it. Tokens that are out live on: revoke it to stop them."""
    from flowservice.operating import Tenancy

    with _reported():
        made = Tenancy(_settings(home)).rotate_credential(org, client_id)
    _print_fields(made, as_json)


@credentials.command("revoke")
def credentials_revoke(client_id: ClientId, org: OrgOption = None, home: Home = None) -> None:
    """Remove a credential; its tokens stop working at once."""
    from flowservice.operating import Tenancy

    with _reported():
        Tenancy(_settings(home)).revoke_credential(org, client_id)
    typer.echo(f"{client_id} is revoked")


@orgs.command("add")
def orgs_add(
    org: Annotated[str, typer.Argument(help="Id of the organisation; @AdobeOrg may be left out.")],
    tenant: Annotated[str | None, typer.Option(help="Name of its own schema fields (default: made of the id).")] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Make an organisation with its sandbox prod. It has no credential yet: `credentials add --org ORG`."""
    from flowservice.operating import Tenancy

    with _reported():
        made = Tenancy(_settings(home)).add_org(org, tenant)
    _print_fields(made, as_json)


@orgs.command("list")
def orgs_list(home: Home = None, as_json: AsJson = False) -> None:
    """Print the organisations of this home."""
    from flowservice.operating import Tenancy

    with _reported():
        found = Tenancy(_settings(home)).orgs()
    _print_rows(found, as_json)


@keys.command("rotate")
def keys_rotate(
    keep_old: Annotated[
        bool, typer.Option("--keep-old", help="Leave the old keys in the key file, for backups of the store.")
    ] = False,
    end_tokens: Annotated[
        bool, typer.Option("--end-tokens", help="End the access tokens that are out: somebody else may have the key.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Seal every secret with a new key and remove the old ones, also while the service runs."""
    from flowservice.operating import rotate_keys

    with _reported():
        if keep_old and end_tokens:
            raise BadField(
                "--keep-old and --end-tokens do not go together", advice="A key that is kept verifies its tokens, too."
            )
        did = rotate_keys(_settings(home), keep_old=keep_old, end_tokens=end_tokens)
    _print_fields(did if as_json else {**did, "secretsLost": len(did["secretsLost"])}, as_json)
    if lost := did["secretsLost"]:
        typer.echo(f"flowservice: no key opens the secrets of {', '.join(lost)}, nor did one before", err=True)
        typer.echo("  Restore the key that they were sealed with as a further line of the key file, or", err=True)
        typer.echo("  delete these connections (DELETE /connections/{id}) and make them again.", err=True)


@flows.command("dry-run")
def flows_dry_run(
    flow_id: Annotated[str, typer.Argument(help="Id of the flow.")],
    rows: Annotated[int, typer.Option(min=1, max=10_000, help="How many rows are read.")] = 1_000,
    sandbox: Annotated[str, typer.Option(help="Sandbox of the flow.")] = "prod",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Say what the next run of a flow would do with its first rows. Writes nothing."""
    from flowservice.trying import run

    with _reported():
        run(_settings(home), flow_id, rows=rows, sandbox=sandbox, as_json=as_json, to=sys.stdout)


@flows.command("drift")
def flows_drift(
    flow_id: Annotated[str, typer.Argument(help="Id of the flow.")],
    accept: Annotated[str | None, typer.Option(metavar="ID", help="Take the held changes of this id up.")] = None,
    ignore: Annotated[str | None, typer.Option(metavar="ID", help="Go on in spite of them.")] = None,
    sandbox: Annotated[str, typer.Option(help="Sandbox of the flow.")] = "prod",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show how the source's columns changed, and decide about changes for which runs wait."""
    from flowservice.drifting import drift

    with _reported():
        drift(_settings(home), flow_id, accept=accept, ignore=ignore, sandbox=sandbox, as_json=as_json, to=sys.stdout)


DatasetOption = Annotated[str | None, typer.Option("--dataset", help="Id or name of a dataset (default: all).")]
AnySandbox = Annotated[str | None, typer.Option("--sandbox", help="Its sandbox (default: all of this home).")]


@lake.command("compact")
def lake_compact(
    dataset: DatasetOption = None, sandbox: AnySandbox = None, home: Home = None, as_json: AsJson = False
) -> None:
    """Put small files together in tables that have many, also while the service runs."""
    from flowservice.keeping import compact

    with _reported():
        did = compact(_settings(home), sandbox=sandbox, dataset=dataset)
    _print_kept(did, as_json)


@lake.command("vacuum")
def lake_vacuum(
    dataset: DatasetOption = None,
    sandbox: AnySandbox = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Delete files that no table has had for as long as runs can be undone, also while the service runs."""
    from flowservice.keeping import vacuum

    with _reported():
        did = vacuum(_settings(home), sandbox=sandbox, dataset=dataset, dry_run=dry_run)
    _print_kept(did, as_json)


def _print_kept(did: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    if did or as_json:
        _print_rows(did, as_json)
    else:
        typer.echo("there is nothing to do")


RunIdArgument = Annotated[str, typer.Argument(help="Id of the run.")]
SandboxOption = Annotated[str, typer.Option(help="Sandbox of the run.")]
CodeOption = Annotated[list[str] | None, typer.Option(help="Only rows rejected by this code; may be repeated.")]
FieldOption = Annotated[list[str] | None, typer.Option(help="Only rows rejected by this field; may be repeated.")]


@runs.command("rejects")
def runs_rejects(
    run_id: RunIdArgument,
    code: CodeOption = None,
    field: FieldOption = None,
    state: Annotated[list[str] | None, typer.Option(help="new, replayed or replayFailed; may be repeated.")] = None,
    limit: Annotated[int, typer.Option(min=0, max=1_000, help="How many rows are shown.")] = 20,
    after: Annotated[str | None, typer.Option(help="Go on after the row of this id.")] = None,
    sandbox: SandboxOption = "prod",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Print the rows that a run rejected, as they stand now."""
    from flowservice.repairing import rejects

    wanted = {"codes": code or [], "fields": field or [], "states": state or []}
    with _reported():
        rejects(
            _settings(home),
            run_id,
            wanted=wanted,
            limit=limit,
            after=after,
            sandbox=sandbox,
            as_json=as_json,
            to=sys.stdout,
        )


@runs.command("replay")
def runs_replay(
    run_id: RunIdArgument,
    code: CodeOption = None,
    field: FieldOption = None,
    row: Annotated[list[str] | None, typer.Option(help="Only the row of this id; may be repeated.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many would pass.")] = False,
    sandbox: SandboxOption = "prod",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Map the rows that a run rejected once more, and land those that pass. The server of the home does it."""
    from flowservice.repairing import replay

    chosen = {"codes": code or [], "fields": field or [], "rows": row or []}
    with _reported():
        replay(_settings(home), run_id, chosen=chosen, dry_run=dry_run, sandbox=sandbox, as_json=as_json, to=sys.stdout)


def _print_fields(found: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    width = max(map(len, found))
    for name, value in found.items():
        typer.echo(f"{name:<{width}}  {value}")


def _print_rows(found: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """Rows of the same fields, the last one with blanks in it."""
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    texts = [[" ".join(value) if isinstance(value, list) else str(value) for value in row.values()] for row in found]
    rows = [list(found[0]), *texts] if found else []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        typer.echo("  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip())


@app.command("sign-in")
def sign_in(
    home: Home = None,
    client_id: Annotated[
        str | None, typer.Option("--client-id", help="As which credential (default: the first one).")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Where the server is reached (default: where it said it was).")
    ] = None,
) -> None:
    """Print a link by which a browser signs in once, within an hour."""
    from flowservice.operating import sign_in_link

    with _reported():
        typer.echo(sign_in_link(_settings(home), client_id=client_id, url=url))


@app.command()
def token(home: Home = None) -> None:
    """Print an access token for curl."""
    from flowservice.app import App, read_credentials

    with _reported():
        settings = _settings(home)
        found = read_credentials(settings.credentials_path)
        typer.echo(App(settings).identity.token(found["clientId"], found["clientSecret"]).value)


@app.command()
def backup(
    to: Annotated[Path, typer.Option("--to", help="A new folder, or a new file that ends with .tar.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Copy a home as one whole, also while the service runs. Whoever reads the copy has its keys."""
    from flowservice.backing_up import backup as back_up

    with _reported():
        did = back_up(_settings(home), to)
    _print_fields(did, as_json)


@app.command()
def restore(
    source: Annotated[Path, typer.Option("--from", help="What `backup --to` wrote.")],
    home: Annotated[Path, typer.Option(help="The new home: a folder that is not there, or empty.")],
    as_json: AsJson = False,
) -> None:
    """Make a home from a backup."""
    from flowservice.restoring import restore as bring_back

    with _reported():
        did = bring_back(source, home)
    _print_fields(did, as_json)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help='A query; tables by dataset id or name: SELECT * FROM "my dataset".')],
    home: Home = None,
    sandbox: Annotated[str, typer.Option(help="Sandbox of the datasets.")] = "prod",
    output: Annotated[str, typer.Option("--format", help="table, ndjson or csv.")] = "table",
) -> None:
    """Query what has landed, as the operator who owns the home."""
    from flowservice.querying import run

    with _reported():
        run(_settings(home), query, sandbox=sandbox, output=output, to=sys.stdout)


@app.command()
def doctor(
    home: Home = None,
    port: Annotated[int | None, typer.Option(help="Port that serve would listen on.")] = None,
) -> None:
    """Say what is wrong and what to type."""
    from flowservice.doctor import examine

    with _reported():
        findings = examine(_settings(home, port=port))
    for finding in findings:
        typer.echo(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.about:<12} {finding.message}")
        if finding.advice:
            typer.echo(f"{'':<19}{finding.advice}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)
