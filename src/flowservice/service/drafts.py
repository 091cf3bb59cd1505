"""Whether a spec takes drafts."""

from flowservice.errors import DraftUnsupported
from flowservice.service.spec_documents import Document


def takes_drafts(spec: Document) -> None:
    """Return if resources of `spec` may be drafts. Raises DraftUnsupported."""
    if not spec["attributes"].get("isDraftModeSupported"):
        raise DraftUnsupported(
            f"the spec {spec['name']} does not take drafts"[:200],
            advice="Leave mode=draft out; attributes.isDraftModeSupported of the spec tells.",
        )
