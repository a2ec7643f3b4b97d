# SPDX-License-Identifier: LGPL-2.1-or-later
"""A throw-away Prosody: users, rosters, certificates good and bad, and a SOCKS5
proxy, all in one directory."""

import pathlib
import socket

from .certs import Authority
from .process import Process

DOMAIN = "fardel.test"

# Hosts whose certificate a client must not accept, each for its own reason.
EXPIRED = "expired.test"
MISNAMED = "misnamed.test"
UNTRUSTED = "untrusted.test"

CONFIG = """
run_as_root = true
pidfile = "{directory}/prosody.pid"
data_path = "{directory}/data"
certificates = "{directory}"
plugin_paths = {{}}
log = {{ {{ levels = {{ min = "{log_level}" }}, to = "console" }} }}
interfaces = {interfaces}
local_interfaces = {interfaces}
c2s_ports = {{ {c2s} }}
c2s_direct_tls_ports = {{ {c2s_tls} }}
s2s_ports = {{}}
http_ports = {{}}
https_ports = {{}}
proxy65_ports = {proxy_ports}
proxy65_interfaces = {interfaces}
authentication = "internal_plain"
c2s_require_encryption = true
allow_registration = false
modules_enabled = {{
  "roster", "saslauth", "tls", "disco", "ping", "blocklist", "carbons", "smacks", "csi_simple", "pep",
  "version", "time", "uptime"{more_modules}
}}
modules_disabled = {{ "s2s" }}
{limits}
network_settings = {{ nagle = {nagle} }}
{hosts}
"""

HOST = """
VirtualHost "{host}"
  ssl = {{ certificate = "{certificate}", key = "{key}" }}
"""

PROXY = """
Component "proxy.{domain}" "proxy65"
  proxy65_address = "{address}"
"""


def free_ports(count):
    """Ports nobody listens on now."""
    sockets = [socket.socket(socket.AF_INET6) for _ in range(count)]
    try:
        for sock in sockets:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            sock.bind(("::", 0))
        return [sock.getsockname()[1] for sock in sockets]
    finally:
        for sock in sockets:
            sock.close()


def password(user):
    return f"password of {user}"


def _encode(text):
    """The file name that Prosody's store gives to a host or user."""
    return "".join(c if c.isascii() and c.isalnum() else f"%{ord(c):02x}" for c in text)


def _lua_list(strings):
    return "{ " + ", ".join(f'"{s}"' for s in strings) + " }"


class Prosody:
    """`users` are names, or JIDs if they are of other domains. `contacts` are
    pairs of users who see each other's presence. Without
    `nagle` two stanzas in a row do not wait 40 ms for each other, as they do by
    default."""

    def __init__(self, directory, users=("alice", "bob"), contacts=(("alice", "bob"),), proxy=True,
                 addresses=("127.0.0.1", "::1"), proxy_address=None, netns=None, rate=None, nagle=True,
                 log_level="info", log_stanzas=False):
        self.directory = pathlib.Path(directory)
        self.address = addresses[0]
        self.netns = netns
        self.port, self.tls_port, self.proxy_port = free_ports(3)
        self.authority = Authority(self.directory, "ca")
        self.ca_file = self.authority.certificate
        stranger = Authority(self.directory, "stranger")
        certificates = {
            DOMAIN: self.authority.issue("good", DOMAIN),
            EXPIRED: self.authority.issue("expired", EXPIRED, expired=True),
            MISNAMED: self.authority.issue("misnamed", "another.test"),
            UNTRUSTED: stranger.issue("untrusted", UNTRUSTED),
        }
        for domain in sorted({user.partition("@")[2] for user in users if "@" in user}):
            certificates[domain] = self.authority.issue(domain, domain)
        hosts = [HOST.format(host=host, certificate=certificate, key=key)
                 for host, (certificate, key) in certificates.items()]
        if proxy:
            hosts.append(PROXY.format(domain=DOMAIN, address=proxy_address or self.address))
        self.services = ["c2s", "c2s_direct_tls"] + (["proxy65"] if proxy else [])
        self.config = self.directory / "prosody.cfg.lua"
        self.config.write_text(CONFIG.format(
            directory=self.directory, interfaces=_lua_list(addresses), c2s=self.port, c2s_tls=self.tls_port,
            proxy_ports=f"{{ {self.proxy_port} }}" if proxy else "{}",
            log_level="debug" if log_stanzas else log_level,
            more_modules=(', "limits"' if rate else "") + (', "stanza_debug"' if log_stanzas else ""),
            limits=f'limits = {{ c2s = {{ rate = "{rate}" }} }}' if rate else "", nagle=str(nagle).lower(),
            hosts="\n".join(hosts)))
        for user in users:
            self._store("accounts", user, f'["password"] = "{password(user)}";')
            friends = [b if a == user else a for a, b in contacts if user in (a, b)]
            self._store("roster", user, '[false] = { version = 1; pending = {}; };' + "".join(
                f'["{self.jid(friend)}"] = {{ subscription = "both"; groups = {{}}; }};' for friend in friends))
        self.process = None
        self.start()

    @staticmethod
    def jid(user):
        return user if "@" in user else f"{user}@{DOMAIN}"

    @property
    def proxy_jid(self):
        return f"proxy.{DOMAIN}"

    def _store(self, store, user, text):
        name, domain = self.jid(user).split("@")
        path = self.directory / "data" / _encode(domain) / store / f"{_encode(name)}.dat"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"return {{ {text} }};\n")

    def block(self, user, *jids):
        """Puts addresses on the block list of a user who was not online yet."""
        self._store("blocklist", user, "".join(f'["{jid}"] = true; ' for jid in jids))

    def name_contact(self, user, friend, name):
        """Makes it the only contact of a user who was not online yet."""
        self._store("roster", user, f'[false] = {{ version = 1; pending = {{}}; }};'
                    f'["{self.jid(friend)}"] = {{ subscription = "both"; groups = {{}}; name = "{name}"; }};')

    def start(self):
        self.process = Process("prosody", ["prosody", "-F", "--config", str(self.config)], netns=self.netns)
        for service in self.services:
            self.process.wait_for_line(rf"Activated service '{service}' on \[")

    def stop(self):
        self.process.stop()

    def kill(self):
        self.process.kill()
