# SPDX-License-Identifier: LGPL-2.1-or-later
"""The server's side of SASL: PLAIN and SCRAM (RFC 4616, RFC 5802), as it should be
or with one thing wrong."""

import base64
import hashlib
import hmac

NS = "urn:ietf:params:xml:ns:xmpp-sasl"
HASHES = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}


def encode(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def fields(message):
    """The attributes of a message of SCRAM's."""
    return dict(part.split("=", 1) for part in message.split(",") if "=" in part)


class Scram:
    """One exchange. `nonce` makes the nonce that the server sends from the client's."""

    def __init__(self, mechanism, password, iterations=4096, nonce=lambda ours: ours + "theirs", salt=b"salt of one"):
        self.hash = HASHES[mechanism]
        self.password = password
        self.iterations = iterations
        self.nonce = nonce
        self.salt = salt

    def challenge(self, first):
        """The server-first-message for the client-first-message."""
        self.bare = first.split(",", 2)[2]
        self.server_first = (f"r={self.nonce(fields(self.bare)['r'])},s={encode(self.salt)},i={self.iterations}")
        return self.server_first

    def verify(self, final):
        """Checks the client's proof; returns the server-final-message with the right signature."""
        bare, _, proof = final.rpartition(",p=")
        signed = f"{self.bare},{self.server_first},{bare}".encode()
        salted = hashlib.pbkdf2_hmac(self.hash, self.password.encode(), self.salt, self.iterations)
        key = self._mac(salted, b"Client Key")
        mask = self._mac(hashlib.new(self.hash, key).digest(), signed)
        if bytes(a ^ b for a, b in zip(key, mask)) != base64.b64decode(proof):
            raise AssertionError("the client's proof is wrong")
        return "v=" + encode(self._mac(self._mac(salted, b"Server Key"), signed))

    def _mac(self, key, data):
        return hmac.new(key, data, self.hash).digest()
