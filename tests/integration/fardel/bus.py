# SPDX-License-Identifier: LGPL-2.1-or-later
"""Private buses, of either implementation."""

import os
import pathlib
import re
import socket

from .process import Process
from .runtime import Runtime

SOURCE = pathlib.Path(__file__).parents[3]

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <keep_umask/>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{services}</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


class Bus:
    """dbus-daemon, or dbus-broker, with only our own services; `env` is what activated ones get."""

    scope = "session"

    def __init__(self, directory, env=None, broker=False):
        self.directory = pathlib.Path(directory)
        self.services = self.directory / "services"
        self.services.mkdir()
        # A socket in the file system is reachable from every network namespace.
        self.socket = self.directory / "bus"
        self.address = f"unix:path={self.socket}"
        config = self.directory / "bus.conf"
        config.write_text(self.configuration())
        env = env or dict(os.environ)
        self.runtime = None
        if broker:
            self._start_broker(config, env)
        else:
            self.process = Process("dbus-daemon", [
                "dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile", "--print-address=1"], env=env)
            self.process.wait_for_line("^unix:.*")

    def _start_broker(self, config, env):
        """dbus-broker takes its socket from systemd, and is a client of itself."""
        self.runtime = Runtime(self.directory / "systemd")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self.socket))
            self.socket.chmod(0o666)
            listener.listen()
            script = (f"{self.runtime.mount} && exec 3<&0 </dev/null && LISTEN_FDS=1 LISTEN_PID=$$ exec "
                      f"dbus-broker-launch --scope {self.scope} --config-file {config}")
            variable = "DBUS_SYSTEM_BUS_ADDRESS" if self.scope == "system" else "DBUS_SESSION_BUS_ADDRESS"
            self.process = Process("dbus-broker", ["unshare", "--mount", "sh", "-c", script],
                                   env=env | {variable: self.address}, stdin=listener)

    def configuration(self):
        return CONFIG.format(socket=self.socket, services=self.services)

    def stop(self):
        self.process.stop()
        if self.runtime:
            self.runtime.close()


def system_configuration(directory, user, more):
    """The system's own, with our policy instead of those of all services, and with `more` instead of its
    socket. `user` is who has the place of the user that the installed package makes."""
    policy = directory / "policy.conf"
    installed = (SOURCE / "packaging/system/org.fardel.Fardel1.conf").read_text()
    policy.write_text(installed.replace('user="fardel"', f'user="{user}"'))
    text = re.sub(r"<!--.*?-->", "", pathlib.Path("/usr/share/dbus-1/system.conf").read_text(), flags=re.DOTALL)
    text = re.sub(r"<(user|pidfile|listen|servicehelper|includedir|include)\b[^>]*>[^<]*</\1>", "", text)
    text = re.sub(r"<(fork|syslog|standard_system_servicedirs)/>", "", text)
    return text.replace("</busconfig>", f"{more}<include>{policy}</include></busconfig>")


class SystemBus(Bus):
    """A system bus on our socket; `user` is the one who may own our name."""

    scope = "system"

    def __init__(self, directory, user, **kwargs):
        self.user = user
        super().__init__(directory, **kwargs)

    def configuration(self):
        return system_configuration(self.directory, self.user, f"<listen>{self.address}</listen>")
