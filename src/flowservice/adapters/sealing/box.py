"""Secrets at rest: an AES-GCM envelope.

Each value has a data key of its own, sealed by the key of the key file. The owner's id is authenticated with both, so
a sealed value moved to another row does not open. Form: base64 of version, wrapped key and value.
"""

import base64
import binascii
import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from flowservice.errors import Invalid

_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32
_WRAPPED_BYTES: Final = _NONCE_BYTES + _KEY_BYTES + 16


class EnvelopeBox:
    """Fills `ports.runtime.SecretBox` with one key-encryption key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._key = AESGCM(key)

    def seal(self, secret: bytes, *, owner: str) -> str:
        data_key = AESGCM.generate_key(bit_length=8 * _KEY_BYTES)
        wrapped = _encrypt(self._key, data_key, owner)
        return base64.b64encode(_VERSION + wrapped + _encrypt(AESGCM(data_key), secret, owner)).decode()

    def open(self, sealed: str, *, owner: str) -> bytes:
        try:
            raw = base64.b64decode(sealed, validate=True)
            wrapped, value = raw[1 : 1 + _WRAPPED_BYTES], raw[1 + _WRAPPED_BYTES :]
            if raw[:1] != _VERSION:
                raise InvalidTag
            data_key = _decrypt(self._key, wrapped, owner)
            return _decrypt(AESGCM(data_key), value, owner)
        except (InvalidTag, binascii.Error, ValueError):
            raise Invalid(
                f"a secret of {owner} cannot be opened with this key file",
                advice="Start the service with the key file the secret was sealed with (FLOWSERVICE_KEY_FILE).",
            ) from None


def load_key(path: Path) -> bytes:
    """The key in `path`, made (mode 0600) if there is none. Raises Invalid if the file does not hold a key."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        try:
            key = base64.b64decode(path.read_text().strip(), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != _KEY_BYTES:
            raise Invalid(
                f"{path} does not hold a key", advice="It must hold 32 bytes in base64; restore it from a backup."
            ) from None
        return key
    key = AESGCM.generate_key(bit_length=8 * _KEY_BYTES)
    with os.fdopen(descriptor, "w") as file:
        file.write(base64.b64encode(key).decode() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return key


def _encrypt(key: AESGCM, plain: bytes, owner: str) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + key.encrypt(nonce, plain, owner.encode())


def _decrypt(key: AESGCM, raw: bytes, owner: str) -> bytes:
    return key.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], owner.encode())
