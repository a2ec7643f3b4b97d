# SPDX-License-Identifier: LGPL-2.1-or-later
"""A private bus."""

import os
import pathlib

from .process import Process

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
    """dbus-daemon with only our own services; `env` is what activated ones get."""

    def __init__(self, directory, env=None):
        self.directory = pathlib.Path(directory)
        self.services = self.directory / "services"
        self.services.mkdir()
        config = self.directory / "bus.conf"
        # A socket in the file system is reachable from every network namespace.
        config.write_text(CONFIG.format(socket=self.directory / "bus", services=self.services))
        self.process = Process("dbus-daemon", [
            "dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile", "--print-address=1"],
            env=env or dict(os.environ))
        self.address = self.process.wait_for_line("^unix:.*")[0]

    def stop(self):
        self.process.stop()
