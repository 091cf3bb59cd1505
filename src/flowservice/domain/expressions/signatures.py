"""The functions of expressions: what each takes and gives. What they do is in `functions.json`, beside this module.

The list is that of Data Prep's mapper functions (experienceleague.adobe.com, "Data Prep functions") and `get`, a method
that its examples use and its list lacks.
"""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from flowservice.domain.expressions.parsing import bad


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a function takes at one place; at the last one, if `is_variadic`, as often as wanted.

    `kind` is a word of `functions.json`: `string`, `integer`, `long`, `boolean`, `datetime`, `date-pattern`, `regex`,
    `array`, `array<object>`, `object`, `map`, `lambda` or `any`; `|null` marks one where null has a meaning of its own.
    """

    name: str
    kind: str
    is_required: bool = True
    is_variadic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One function. `result` is what `example` gives, as JSON; of a random one, what it may look like."""

    name: str
    aliases: tuple[str, ...] = ()
    category: str
    is_method: bool = False
    parameters: tuple[Parameter, ...]
    returns: str
    tier: int = 1
    description: str
    example: str
    result: Any

    @property
    def least(self) -> int:
        """The fewest arguments that it takes; of a method the receiver counts as one."""
        return sum(parameter.is_required for parameter in self.parameters)

    @property
    def most(self) -> int | None:
        """The most arguments that it takes; None where there is no limit."""
        is_open = any(parameter.is_variadic for parameter in self.parameters)
        return None if is_open else len(self.parameters)

    @property
    def syntax(self) -> str:
        """How it is called: `instr(input, substring, start_position?)`, `concat(values...)`."""
        names = [
            p.name + ("..." if p.is_variadic else "") + ("" if p.is_required else "?")
            for p in self.parameters[self.is_method :]
        ]
        receiver = f"{self.parameters[0].name}." if self.is_method else ""
        return f"{receiver}{self.name}({', '.join(names)})"

    def parameter(self, index: int) -> Parameter:
        """What is taken at a place, from 0. Raises IndexError beyond `most`."""
        if index >= len(self.parameters) and self.most is None:
            return self.parameters[-1]
        return self.parameters[index]


def signature_of(name: str, *, at: int = 0, is_method: bool | None = None) -> Signature:
    """The function of a name or alias, in the case in which it is listed.

    `at` is the place of the name in its expression, `is_method` how it is called there, if that is to be checked.
    Raises BadExpression for a name that is none, with those that look like it, and for a function that is called as a
    method or a method as a function.
    """
    signature = SIGNATURES.get(name)
    if signature is None:
        raise bad(f"there is no function {name[:40]!r}", at=at, advice=_advice(name))
    if is_method is not None and is_method != signature.is_method:
        what = "a method" if signature.is_method else "a function"
        raise bad(f"{name!r} is {what}", at=at, advice=f"Write {signature.syntax}.")
    return signature


def check_arity(signature: Signature, count: int, *, at: int = 0) -> None:
    """Raise BadExpression unless the function takes so many arguments; of a method the receiver counts as one."""
    most = signature.most
    if signature.least <= count and (most is None or count <= most):
        return
    receiver = int(signature.is_method)
    least = signature.least - receiver
    if most is None:
        wanted = f"at least {least}"
    elif most - receiver == least:
        wanted = str(least)
    else:
        wanted = f"{least} to {most - receiver}"
    noun = "argument" if wanted.endswith("1") else "arguments"
    message = f"{signature.name} takes {wanted} {noun}, not {count - receiver}"
    raise bad(message, at=at, advice=f"Write {signature.syntax}.")


def _advice(name: str) -> str:
    """Names that look like the wrong one, also those in another case."""
    lower = name.lower()
    close = [known for known in SIGNATURES if known.lower() == lower]
    close += difflib.get_close_matches(lower, [known for known in SIGNATURES if known not in close], n=3, cutoff=0.7)
    return f"Did you mean {' or '.join(close[:3])}?" if close else "See docs/expressions.md for the functions."


def _loaded() -> Iterable[Signature]:
    listed = files("flowservice.domain.expressions").joinpath("functions.json").read_text("utf-8")
    for entry in json.loads(listed):
        yield Signature(
            name=entry["name"],
            aliases=tuple(entry["aliases"]),
            category=entry["category"],
            is_method=entry["call"] == "method",
            parameters=tuple(
                Parameter(p["name"], p["kind"], is_required=p["required"], is_variadic=p["variadic"])
                for p in entry["parameters"]
            ),
            returns=entry["returns"],
            tier=entry["tier"],
            description=entry["description"],
            example=entry["example"],
            result=entry["result"],
        )


_GET: Final = Signature(
    name="get",
    category="maps",
    is_method=True,
    parameters=(Parameter("receiver", "map"), Parameter("key", "string")),
    returns="any",
    description="The value of a key of an object, a map or a JSON object, written as a method; null where it has none.",
    example='{"k": 1}.get("k")',
    result=1,
)
SIGNATURES: Final[Mapping[str, Signature]] = MappingProxyType(
    {name: signature for signature in (*_loaded(), _GET) for name in (signature.name, *signature.aliases)}
)
"""Every function, by its name and by its aliases."""
