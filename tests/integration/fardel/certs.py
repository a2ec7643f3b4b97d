# SPDX-License-Identifier: LGPL-2.1-or-later
"""Certificates made on the spot with openssl."""

import hashlib
import pathlib
import ssl
import subprocess


def _openssl(*args):
    subprocess.run(["openssl", *map(str, args)], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def sha256(certificate):
    """Of a PEM file with one certificate, in hexadecimal."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pathlib.Path(certificate).read_text())).hexdigest()


class Authority:
    """A certification authority with its files in `directory`."""

    def __init__(self, directory, name):
        self.directory = pathlib.Path(directory)
        self.name = name
        self.key = self._key(name)
        self.certificate = self.directory / f"{name}.crt"
        _openssl("req", "-x509", "-new", "-key", self.key, "-days", 30, "-subj", f"/CN=fardel test {name}",
                 "-out", self.certificate)

    def _key(self, name):
        key = self.directory / f"{name}.key"
        _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-out", key)
        return key

    def issue(self, name, host, expired=False):
        """A server certificate for `host`: (certificate, key)."""
        key = self._key(name)
        request = self.directory / f"{name}.csr"
        certificate = self.directory / f"{name}.crt"
        extensions = self.directory / f"{name}.ext"
        extensions.write_text(f"subjectAltName=DNS:{host}\n")
        _openssl("req", "-new", "-key", key, "-subj", f"/CN={host}", "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                 "-extfile", extensions, "-days", -1 if expired else 30, "-out", certificate)
        return certificate, key
