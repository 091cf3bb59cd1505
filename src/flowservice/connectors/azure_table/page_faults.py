"""What may be wrong with the body of a page: one error each, whichever decoder finds it."""

from typing import Final

from flowservice.errors import BrokenPage, Drifted

AGAIN: Final = "The same page is asked for again; if it stays broken, look at the network and proxies in between."

FEWER_ROWS: Final = "Select fewer columns, or tell those who run the service: no entity should be that large."


class OversizedPage(BrokenPage):
    """There is more of a page than is held in memory: it is asked for again with fewer rows."""


def unfit(name: str, kind: str) -> Drifted:
    """The error of a value that is not what its annotation states. It is never quoted: it may be personal data."""
    return Drifted(
        f"property {name!r} is annotated {kind} and holds a value that is none",
        advice="Write the entity again with the right type; the table service would not have accepted this.",
    )


def nested(name: str) -> BrokenPage:
    """The error of a property that holds a list or object."""
    return BrokenPage(f"property {name!r} holds a list or object, which no table can", advice=AGAIN)


def repeated(name: str) -> BrokenPage:
    """The error of a property that an entity has twice: which of its values is meant, nobody can tell."""
    return BrokenPage(f"an entity has the property {name!r} twice", advice=AGAIN)


def garbled() -> BrokenPage:
    """The error of a page that is cut, or is no JSON."""
    return BrokenPage("a page of the table service was cut or garbled", advice=AGAIN)


def keyless() -> BrokenPage:
    """The error of an entity of which nobody knows where it stands."""
    return BrokenPage("an entity came without its keys", advice=AGAIN)


def shapeless() -> BrokenPage:
    """The error of a page that is JSON, and no page."""
    return BrokenPage("a page of the table service holds no list of entities", advice=AGAIN)


def oversized() -> BrokenPage:
    """The error of a page that makes a batch too large: of 2 GiB, or of too many rows times columns."""
    return OversizedPage("a batch of pages would be larger than what is held of a table", advice=FEWER_ROWS)


def fault(what: str, name: str, kind: str) -> BrokenPage | Drifted:
    """The error of that name, about a property and the type that it is said to have."""
    match what:
        case "unfit":
            return unfit(name, kind)
        case "nested":
            return nested(name)
        case "repeated":
            return repeated(name)
        case "shapeless":
            return shapeless()
        case "oversized":
            return oversized()
        case _:
            return garbled()
