"""Secrets at rest: an AES-GCM envelope.

Each value has a data key of its own, sealed by a key of the key file. The owner's id is authenticated with both, so
a sealed value moved to another row does not open. Form: base64 of version, id of the key, wrapped data key and value;
version 1 has no id, for there was one key.
"""

import base64
import binascii
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from flowservice.adapters.sealing.key_file import KEY_BYTES, KEY_ID_BYTES, key_id
from flowservice.errors import Invalid

_NAMELESS: Final = b"\x01"
_NAMED: Final = b"\x02"
_NONCE_BYTES: Final = 12
_WRAPPED_BYTES: Final = _NONCE_BYTES + KEY_BYTES + 16


class EnvelopeBox:
    """Fills `ports.runtime.SecretBox` with key-encryption keys of 32 bytes.

    `keys` gives those there are now, at least one: the first seals. Keys that were there before still open: a value
    read just before it was sealed anew, or sealed before its source was asked, must open after its key left the file.
    """

    def __init__(self, keys: Callable[[], Sequence[bytes]]) -> None:
        self._keys = keys
        self._known: dict[bytes, AESGCM] = {}
        self._first()

    def seal(self, secret: bytes, *, owner: str) -> str:
        name = self._first()
        data_key = AESGCM.generate_key(bit_length=8 * KEY_BYTES)
        wrapped = _encrypt(self._known[name], data_key, owner)
        return base64.b64encode(_NAMED + name + wrapped + _encrypt(AESGCM(data_key), secret, owner)).decode()

    def open(self, sealed: str, *, owner: str) -> bytes:
        try:
            raw = base64.b64decode(sealed, validate=True)
            if raw[:1] == _NAMED:
                start = 1 + KEY_ID_BYTES
                key = self._named(raw[1:start])
                return _opened(key, raw[start:], owner)
            if raw[:1] == _NAMELESS:
                return self._tried(raw[1:], owner)
        except (InvalidTag, binascii.Error, ValueError):
            pass
        raise Invalid(
            f"a secret of {owner} cannot be opened with this key file",
            advice="Start the service with the key file the secret was sealed with (FLOWSERVICE_KEY_FILE).",
        )

    def mark(self) -> str:
        # Nine bytes, so that they are twelve characters of their own.
        return base64.b64encode(_NAMED + self._first()).decode()

    def renewed(self, sealed: str, *, owner: str) -> str:
        return sealed if sealed.startswith(self.mark()) else self.seal(self.open(sealed, owner=owner), owner=owner)

    def _first(self) -> bytes:
        """The id of the key that seals now; all that are there are known from then on."""
        keys = self._keys()
        self._known.update({key_id(key): AESGCM(key) for key in keys})
        return key_id(keys[0])

    def _named(self, name: bytes) -> AESGCM:
        if name not in self._known:
            # Another process has added it: a key is in the file before anything is sealed with it.
            self._first()
        if name not in self._known:
            raise InvalidTag
        return self._known[name]

    def _tried(self, raw: bytes, owner: str) -> bytes:
        for key in self._candidates():
            try:
                return _opened(key, raw, owner)
            except InvalidTag:
                continue
        raise InvalidTag

    def _candidates(self) -> Iterator[AESGCM]:
        tried = tuple(self._known.items())
        yield from (key for _, key in tried)
        self._first()
        yield from (key for name, key in tuple(self._known.items()) if name not in dict(tried))


def _opened(key: AESGCM, raw: bytes, owner: str) -> bytes:
    """The value of a wrapped data key and what it seals. Raises InvalidTag, ValueError."""
    data_key = _decrypt(key, raw[:_WRAPPED_BYTES], owner)
    return _decrypt(AESGCM(data_key), raw[_WRAPPED_BYTES:], owner)


def _encrypt(key: AESGCM, plain: bytes, owner: str) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + key.encrypt(nonce, plain, owner.encode())


def _decrypt(key: AESGCM, raw: bytes, owner: str) -> bytes:
    return key.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], owner.encode())
