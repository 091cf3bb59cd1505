"""What may become of a schema in use: it gains fields, and loses no value that it takes today."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from flowservice.domain.xdm_resolve import Document
from flowservice.domain.xdm_types import xdm_type
from flowservice.errors import BreakingChange

_TOLD: Final = 5
_LOWER: Final = ("minimum", "exclusiveMinimum", "minLength")
_UPPER: Final = ("maximum", "exclusiveMaximum", "maxLength")


def check_additive(old: Document, new: Document, *, what: str, why: str) -> None:
    """Return if rows that fit the resolved schema `old` fit `new` as well, each in its column.

    `what` is the schema in words, `why` is what holds it to its fields. Raises BreakingChange naming each field.
    """
    broken = list(_broken(old, new, ""))
    if not broken:
        return
    more = f", and {len(broken) - _TOLD} more" if len(broken) > _TOLD else ""
    raise BreakingChange(
        f"{what} only takes additions, since {why}: {'; '.join(broken[:_TOLD])}{more}",
        advice="Add fields, make required ones optional, or change texts. For anything else make a new schema and "
        "dataset, or mark the field as deprecated.",
    )


def _broken(old: Mapping[str, Any], new: Mapping[str, Any], at: str) -> Iterator[str]:
    path = at[:200] or "(root)"
    before, after = xdm_type(old, at=at), xdm_type(new, at=at)
    if before is not after:
        yield f"{path} is {before.value} and cannot become {after.value}"
        return
    yield from _narrowed(old, new, path)
    fields, others = old.get("properties", {}), new.get("properties", {})
    for name, child in fields.items():
        below = f"{at}.{name}" if at else name
        if name in others:
            yield from _broken(child, others[name], below)
        else:
            yield f"{below[:200]} cannot be removed"
    for name in new.get("required", ()):
        if name in fields and name not in old.get("required", ()):
            yield f"{(f'{at}.{name}' if at else name)[:200]} cannot become required"
    if "items" in old and "items" in new:
        yield from _broken(old["items"], new["items"], f"{at}[*]")
    if "properties" not in old and "additionalProperties" in old and "additionalProperties" in new:
        yield from _broken(old["additionalProperties"], new["additionalProperties"], f"{at}.*")


def _narrowed(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[str]:
    """Rules of the field that take less than before."""
    enum = new.get("enum")
    if enum and not (old.get("enum") and set(map(repr, old["enum"])) <= set(map(repr, enum))):
        yield f"the enum of {path} cannot take fewer values"
    if new.get("pattern") is not None and new["pattern"] != old.get("pattern"):
        yield f"the pattern of {path} cannot change"
    for names, is_narrower in ((_LOWER, _is_above), (_UPPER, _is_below)):
        for name in names:
            if name in new and (name not in old or is_narrower(new[name], old[name])):
                yield f"{name} of {path} cannot take fewer values"


def _is_above(new: Any, old: Any) -> bool:
    return bool(new > old)


def _is_below(new: Any, old: Any) -> bool:
    return bool(new < old)
