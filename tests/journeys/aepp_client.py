"""Programs for the unmodified `aepp` client, each in a process of its own: it keeps state in its modules."""

import json
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any, Final

from tests.live import Server

_CONFIGURED: Final = """
import json, sys
import aepp

given = json.load(open(sys.argv[1]))
base, known = given["url"], given["credentials"]
how = {"scopes": known["scopes"]} if given["grant"] == "client_credentials" else {"auth_code": "code"}
aepp.configure(
    org_id=known["orgId"], client_id=known["clientId"], secret=known["clientSecret"], sandbox=given["sandbox"],
    environment="support" if "scopes" in how else "prod", endpoint=base, **how,
)
aepp.config.endpoints["global"] = base
aepp.config.config_object["oauthTokenEndpointV1"] = base + "/ims/token/v1"
aepp.config.config_object["oauthTokenEndpointV2"] = base + "/ims/token/v3"
told = {}
"""
_TOLD: Final = """
json.dump(told, open(sys.argv[2], "w"), default=str)
"""


def told_by(
    server: Server, program: str, *, sandbox: str = "prod", grant: str = "client_credentials", **given: Any
) -> dict[str, Any]:
    """What `program` put into `told`. It finds its inputs in `given`, and the client configured for the server."""
    with tempfile.TemporaryDirectory() as folder:
        inputs, outputs, script = (Path(folder) / name for name in ("in.json", "out.json", "program.py"))
        common = {"url": server.url, "credentials": server.credentials(), "sandbox": sandbox, "grant": grant}
        inputs.write_text(json.dumps({**common, **given}))
        script.write_text(_CONFIGURED + textwrap.dedent(program) + _TOLD)
        # Whatever the client warns of stays in its own process.
        ran = subprocess.run(
            [sys.executable, str(script), str(inputs), str(outputs)],
            check=False,
            capture_output=True,
            text=True,
            timeout=300,
            cwd=folder,
        )
        assert ran.returncode == 0, ran.stderr[-3000:] + ran.stdout[-1000:]
        found: dict[str, Any] = json.loads(outputs.read_text())
        return found
