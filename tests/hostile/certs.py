# SPDX-License-Identifier: LGPL-2.1-or-later
"""The certificates of a server that is not what it should be, each wrong in one way."""

import hashlib
import pathlib
import ssl
import subprocess

DOMAIN = "hostile.test"
OTHER = "another.test"

CA = """[ca]
default_ca = ca
[ca]
new_certs_dir = {directory}
database = {directory}/index
serial = {directory}/serial
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = none
[none]
"""


def _openssl(*args):
    done = subprocess.run(["openssl", *map(str, args)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise AssertionError(f"openssl {args[0]}: {done.stdout.decode()}")


def _san(*names):
    return "subjectAltName=" + ",".join(f"DNS:{name}" for name in names)


class Certificates:
    """`certificates[name]` is a file with key and chain."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.config = self.directory / "ca.conf"
        self.config.write_text(CA.format(directory=self.directory))
        (self.directory / "index").touch()
        (self.directory / "serial").write_text("01")
        self.ca_file = self._authority("ca")
        self._authority("stranger")
        good = [_san(DOMAIN), "extendedKeyUsage=serverAuth"]
        self._issue("good", good)
        self._issue("good-too", good)
        self._issue("expired", good, start="20200101000000Z", end="20200201000000Z")
        self._issue("early", good, start="20990101000000Z", end="20990201000000Z")
        self._issue("misnamed", [_san(OTHER)])
        self._issue("subdomain", [_san("xmpp." + DOMAIN)])
        self._issue("star", [_san("*.test", "*." + DOMAIN)])
        self._issue("client-only", [_san(DOMAIN), "extendedKeyUsage=clientAuth"])
        self._issue("untrusted", good, issuer="stranger")
        self._issue("weak", good, key=("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"))
        self._issue("self-signed", good, issuer=None)
        # Who has a certificate of some name must not make one for ours.
        self._issue("leaf", [_san(OTHER)])
        self._issue("by-leaf", good, issuer="leaf")

    def __getitem__(self, name):
        return self._path(name, "pem")

    def sha256(self, name):
        first = self[name].read_text().partition("-----BEGIN CERTIFICATE-----")
        der = ssl.PEM_cert_to_DER_cert(first[1] + first[2].partition("-----END CERTIFICATE-----")[0]
                                       + "-----END CERTIFICATE-----\n")
        return hashlib.sha256(der).hexdigest()

    def _path(self, name, kind):
        return self.directory / f"{name}.{kind}"

    def _key(self, name, options=("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1")):
        _openssl("genpkey", *options, "-out", self._path(name, "key"))
        return self._path(name, "key")

    def _authority(self, name):
        _openssl("req", "-x509", "-new", "-key", self._key(name), "-days", 30, "-subj", f"/CN=fardel test {name}",
                 "-out", self._path(name, "crt"))
        return self._path(name, "crt")

    def _issue(self, name, extensions, issuer="ca", start="20200101000000Z", end="20990101000000Z", key=None):
        key = self._key(name, *([key] if key else []))
        request, certificate = self._path(name, "csr"), self._path(name, "crt")
        wanted = self._path(name, "ext")
        wanted.write_text("\n".join(extensions) + "\n")
        _openssl("req", "-new", "-key", key, "-subj", f"/CN={DOMAIN}", "-out", request)
        signer = (["-selfsign", "-keyfile", key] if issuer is None
                  else ["-cert", self._path(issuer, "crt"), "-keyfile", self._path(issuer, "key")])
        _openssl("ca", "-batch", "-notext", "-config", self.config, *signer, "-startdate", start, "-enddate", end,
                 "-extfile", wanted, "-in", request, "-out", certificate)
        chain = certificate.read_text()
        if issuer and issuer not in ("ca", "stranger"):
            chain += self._path(issuer, "crt").read_text()
        self[name].write_text(key.read_text() + chain)
