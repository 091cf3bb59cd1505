"""Pages as a table service, a broken one or a hostile one might send them, at random."""

from random import Random
from typing import Final

_VALUES: Final = [
    *(
        "1",
        "-0",
        "0",
        "-",
        "+1",
        "01",
        "1.",
        ".5",
        "1.5",
        "-0.0",
        "0.1",
        "1e5",
        "-1e-5",
        "1E+21",
        "123456789.123456789",
    ),
    *("2147483647", "2147483648", "-2147483649", "9223372036854775807", "9223372036854775808", "123456789012345680000"),
    *("1e400", "1e-400", "5e-324", "1.7976931348623157e308", "1.7976931348623159e308", "2.2250738585072011e-308"),
    *("true", "false", "null", "tru", "NaN", "Infinity", "[1]", '{"a":1}', "[]", "{}", "\ufeff"),
    r'[[[{"a":[1,{"b":"\ud800"}]}]]]',
    *('"x"', '""', '"NaN"', '"Infinity"', '"-Infinity"', '"nan"', '"true"', '"True"', '"Z"'),
    *('"1"', '"-1"', '"007"', '"+1"', '"1_0"', '" 1"', '"0x1F"', '"1.5"', '"-0"', '"1e5"', '"1e999"', '"２"'),
    *('"9223372036854775807"', '"-9223372036854775808"', '"9223372036854775808"'),
    *('"2018-12-03T13:43:09.65Z"', '"2018-12-03T13:43:09"', '"2018-12-03 13:43:09Z"', '"2018-12-03"'),
    *('"0000-01-01T00:00:00Z"', '"0000-12-31T23:59:59.123456789+23:59"', '"9999-12-31T23:59:59.9999999-23:59"'),
    *('"2023-02-29T00:00:00Z"', '"2024-02-29T00:00:00Z"', '"2018-12-03T24:00:00Z"', '"2018-12-03T23:59:60Z"'),
    *('"2018-12-03T13:43:09.1234567890Z"', '"2018-12-03T13:43:09.Z"', '"2018-12-03T13:43:09+0200"'),
    *('"2018-12-03T13:43:09-02:30"', '"2018-12-03T13:43:09+24:00"', '"1601-01-01T00:00:00Z"', '"１018-12-03T13:43:09"'),
    '"C9DA6455-213D-42C9-9A79-3E9149A57833"',
    *('"AA=="', '"AB=="', '"AAE="', '"AAF="', '"AAEC"', '"A"', '"AA="', '"AA"', '"===="', '"A==="', '"AAAA="'),
    *('"AAAA===="', r'"\/\/8="', '"__8="', r'"\u0041\u0041\u003d\u003d"'),
    *(r'"\ud800"', r'"\ud800\ud800\udc00"', r'"\udc00\ud800x"', r'"\ud834\udd1e"', r'"\uD834"', r'"a\u0000b"'),
    *(r'"\b\f\n\r\t\"\\\/"', r'"\x"', r'"\u12"', '"é日\U0001f600"', '"\u2028"', '"tab\there"', r'"x\\"'),
    *(r'"},{\"odata.etag\":\""', r'"\"a\":1"'),
]
_NAMES: Final = [
    *("a", "b", "c", "d", "Timestamp", "é", r"\u0061", "odata.etag", "odata.x", "a@odata.type", "b@odata.type"),
    *(r"x\\", "PartitionKey", "RowKey", "", "@odata.type", "Name", "name", "a@odata.other"),
]
_KINDS: Final = ["String", "Int32", "Int64", "Double", "Boolean", "DateTime", "Guid", "Binary", "Unknown"]
_STATED: Final = [f'"Edm.{kind}"' for kind in _KINDS]
_ODD: Final = ["null", "1", '["x"]', r'"Edm.\u0049nt64"', "true", r'"\ud800"']
_SPACE: Final = [*[""] * 30, " ", "\n", "\t ", "\r"]
_ANNOTATION: Final = "@odata.type"


def page(rng: Random) -> bytes:
    """A page of up to four entities."""
    entities = ",".join(_space(rng) + _entity(rng) for _ in range(rng.randrange(5)))
    members = ['"odata.metadata":"m"', f'"value":[{entities}{_space(rng)}]']
    if rng.random() < 0.1:
        members.append('"other":' + rng.choice(_VALUES))
    if rng.random() < 0.02:
        members.append('"value":' + rng.choice(["[]", "1"]))
    if rng.random() < 0.2:
        rng.shuffle(members)
    return f"{_space(rng)}{{{','.join(members)}}}{_space(rng)}".encode()


def mutated(rng: Random, body: bytes) -> bytes:
    """A page to which something happened on its way."""
    changed = bytearray(body)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(changed)) if changed else 0
        match rng.randrange(5):
            case 0:
                changed[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del changed[at : at + 1]
            case 2:
                changed.insert(at, rng.choice(b'"\\{}[],:0-e.\x00\xff u'))
            case 3:
                del changed[at:]
            case _:
                changed[at:at] = changed[at : at + rng.randrange(20)]
    return bytes(changed)


def _entity(rng: Random) -> str:
    members: list[tuple[str, str]] = []
    if rng.random() < 0.95:
        members += [("PartitionKey", '"p"'), ("RowKey", f'"{rng.randrange(9)}"')]
    may_repeat = rng.random() < 0.02
    for _ in range(rng.randrange(6)):
        name = rng.choice(_NAMES)
        used = {used for used, _ in members}
        if name in used and not may_repeat:
            continue
        if name.endswith(_ANNOTATION):
            members.append((name, rng.choice([*_STATED, *_ODD])))
        elif rng.random() < 0.5 and name + _ANNOTATION not in used:
            stated = rng.choice(_STATED if rng.random() < 0.9 else _ODD)
            pair = [(name + _ANNOTATION, stated), (name, rng.choice(_VALUES))]
            members += pair if rng.random() < 0.85 else pair[::-1]
            if rng.random() < 0.2:
                # Something of its own between an annotation and its value.
                between = rng.choice(["odata.y", "e", "f", *(["b", "PartitionKey"] if may_repeat else [])])
                if may_repeat or between not in {used for used, _ in members}:
                    members.insert(-1, (between, rng.choice(_VALUES)))
        else:
            members.append((name, rng.choice(_VALUES)))
    texts = (f'{_space(rng)}"{name}"{_space(rng)}:{_space(rng)}{value}{_space(rng)}' for name, value in members)
    return f"{{{_space(rng)}{','.join(texts)}}}"


def _space(rng: Random) -> str:
    return rng.choice(_SPACE)
