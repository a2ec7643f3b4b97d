# SPDX-License-Identifier: LGPL-2.1-or-later
"""A systemd of our own, of one user or of a system, with a bus that it starts. It
runs beside others as well as where the machine has none: with a mount namespace that
looks as if there were one, and a control group."""

import os
import pathlib
import pwd
import shutil
import subprocess

from .bus import CONFIG, system_configuration
from .client import Client
from .daemon import binary
from .netns import NotPermitted
from .process import Process
from .runtime import Runtime
from .scenario import eventually
from .users import acting_as, run_as

BUILT = pathlib.Path(os.environ.get("FARDEL_PACKAGING") or pathlib.Path(__file__).parents[3] / "build/packaging")
SOURCE = pathlib.Path(__file__).parents[3]

# What units refer to, but is not of interest.
TARGETS = ("basic", "multi-user", "network", "shutdown", "sysinit", "umount")
TARGET = "[Unit]\nDefaultDependencies=no\n"

SOCKET = """[Unit]
DefaultDependencies=no
[Socket]
{listens}
"""

SERVICE = """[Unit]
DefaultDependencies=no
Requires=dbus.socket
[Service]
Type=notify
Sockets=dbus.socket
ExecStart={command}
"""


def control_groups(name):
    """New groups below ours, in each hierarchy that systemd uses."""
    with open("/proc/self/cgroup", encoding="utf-8") as groups, open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        ours = {fields[1]: fields[2] for fields in (line.rstrip().split(":", 2) for line in groups)}
        for line in mounts:
            fields = line.split()
            kind = fields[fields.index("-") + 1]
            if kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in fields[-1].split(",")):
                yield pathlib.Path(fields[4]) / ours["" if kind == "cgroup2" else "name=systemd"].lstrip("/") / name


class Manager:
    """What both have in common. The bus listens on `socket`."""

    made = 0

    def __init__(self, directory, uid, namespaces, mounts, command, env):
        Manager.made += 1
        self.socket = pathlib.Path(directory) / "bus"
        self.env = {"PATH": os.environ["PATH"], "SYSTEMD_LOG_TARGET": "journal"} | env
        self.runtime = Runtime(pathlib.Path(directory) / "systemd")
        self.groups = list(control_groups(f"fardel-test-{os.getpid()}-{Manager.made}"))
        for group in self.groups:
            try:
                group.mkdir()
            except OSError as error:
                raise NotPermitted(str(error)) from None
            for path in (group, *group.iterdir()):
                os.chown(path, uid, -1)
        join = " && ".join(f"echo $$ > {group}/cgroup.procs" for group in self.groups)
        inside = " && ".join([*mounts, self.runtime.mount, "exec " + " ".join(map(str, command))])
        self.process = Process("systemd", ["sh", "-c", f"{join} && exec unshare --mount {namespaces} sh -c '{inside}'"],
                               env=self.env)
        try:
            eventually(self.socket.is_socket)
            # dbus-broker knows nobody who can start services before systemd is its client.
            eventually(lambda: self.run("busctl", f"--address=unix:path={self.socket}", "status",
                                        "org.freedesktop.systemd1").returncode == 0)
        except AssertionError:
            self.close()
            raise

    def enter(self):
        """What leads a command into the namespaces."""
        return ["nsenter", f"--target={self.process.pid}", "--mount"]

    def run(self, *argv):
        return subprocess.run([*self.enter(), *map(str, argv)], env=self.env, capture_output=True, text=True,
                              check=False, timeout=60)

    def systemctl(self, *arguments):
        done = self.run("systemctl", *arguments)
        assert done.returncode == 0, done.stderr + "\n".join(self.process.lines + self.runtime.lines)
        return done.stdout.strip()

    def show(self, name, unit="fardel.service"):
        return self.systemctl("show", "--value", f"--property={name}", unit)

    def close(self):
        self.process.stop()
        self.runtime.close()
        for group in self.groups:
            for path in (*sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True), group):
                path.rmdir()


def write_bus_units(units, broker, scope, config, *sockets):
    if broker:
        command = f"dbus-broker-launch --scope {scope} --config-file {config}"
    else:
        command = f"dbus-daemon --config-file={config} --address=systemd: --nofork --nopidfile --systemd-activation"
    listens = "\n".join(f"ListenStream={socket}" for socket in sockets)
    (units / "dbus.socket").write_text(SOCKET.format(listens=listens))
    (units / "dbus.service").write_text(SERVICE.format(command=command))


def copy_service(source, target, program):
    """A unit or an activation file as it is built, around another copy of the program. LeakSanitizer, if that
    has it, traces the process, which the sandbox forbids."""
    text = source.read_text()
    start = next(line for line in text.splitlines() if line.startswith(("Exec=", "ExecStart=")))
    installed = start.partition("=")[2].split()[0]
    text = text.replace(start, start.replace(installed, str(program)))
    target.write_text(text.replace("[Service]\n", "[Service]\nEnvironment=ASAN_OPTIONS=detect_leaks=0\n"))


class UserManager(Manager):
    """`directory` must be reachable for the user."""

    def __init__(self, directory, user, broker):
        self.user = pwd.getpwnam(user)
        directory = pathlib.Path(directory)
        self.home = directory / "home"
        (self.home / "Downloads").mkdir(parents=True)
        units = self.home / ".config/systemd/user"
        units.mkdir(parents=True)
        services = directory / "services"
        services.mkdir()
        program = shutil.copy(binary(), directory)
        copy_service(BUILT / "fardel.service", units / "fardel.service", program)
        copy_service(BUILT / "org.fardel.Fardel1.service", services / "org.fardel.Fardel1.service", program)
        config = directory / "bus.conf"
        config.write_text(CONFIG.format(socket=directory / "bus", services=services))
        write_bus_units(units, broker, "user", config, directory / "bus")
        (units / "sockets.target.wants").mkdir()
        (units / "sockets.target.wants/dbus.socket").symlink_to("../dbus.socket")
        runtime = directory / "run"
        runtime.mkdir(mode=0o700)
        for path in (directory, runtime, self.home, *self.home.rglob("*")):
            os.lchown(path, self.user.pw_uid, self.user.pw_gid)
        super().__init__(directory, self.user.pw_uid, "", [], run_as(self.user, ["/lib/systemd/systemd", "--user"]), {
            "HOME": str(self.home), "XDG_RUNTIME_DIR": str(runtime),
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={directory}/bus"})

    def write(self, name, content):
        """A file of the user's below the home."""
        path = self.home / name
        missing = [parent for parent in path.parents if not parent.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        for made in (*missing, path):
            os.chown(made, self.user.pw_uid, self.user.pw_gid)
        return path

    def enter(self):
        return super().enter() + run_as(self.user, [])

    def systemctl(self, *arguments):
        return super().systemctl("--user", *arguments)

    def client(self):
        with acting_as(self.user.pw_uid):
            return Client(f"unix:path={self.socket}")


class SystemManager(Manager):
    """The unit runs as `user`; /var/lib is `directory`/lib."""

    def __init__(self, directory, user):
        directory = pathlib.Path(directory)
        units = directory / "units"
        programs = directory / "srv"
        services = programs / "services"
        for path in (units, services, directory / "lib", directory / "run/dbus", directory / "run/systemd"):
            path.mkdir(parents=True)
        shutil.copy(binary(), programs)
        copy_service(BUILT / "system/fardel.service", units / "fardel.service", "/srv/fardeld")
        text = (units / "fardel.service").read_text()
        assert "\nUser=fardel\n" in text
        (units / "fardel.service").write_text(text.replace("\nUser=fardel\n", f"\nUser={user}\n"))
        (units / "dbus-org.fardel.Fardel1.service").symlink_to("fardel.service")  # as if it was enabled
        shutil.copy(SOURCE / "packaging/system/org.fardel.Fardel1.service", services)
        for name in TARGETS:
            (units / f"{name}.target").write_text(TARGET)
        (units / "default.target").write_text(TARGET + "Requires=dbus.socket\n")
        (programs / "bus.conf").write_text(system_configuration(programs, user, (
            f"<listen>unix:path={directory}/bus</listen><servicedir>/srv/services</servicedir>"
            "<include>/usr/share/dbus-1/system.d/org.freedesktop.systemd1.conf</include>")))
        # The second one is where the unit, which does not see the first, looks for it.
        write_bus_units(units, False, "system", "/srv/bus.conf", directory / "bus", "/run/dbus/system_bus_socket")
        super().__init__(
            directory, 0, "--cgroup --pid --fork --kill-child --uts --ipc --mount-proc",
            [f"mount --bind {directory}/{source} {target}" for source, target in (
                ("run", "/run"), ("srv", "/srv"), ("lib", "/var/lib"))],
            ["/lib/systemd/systemd", "--system"],
            {"container": "fardel-test", "SYSTEMD_UNIT_PATH": str(units)})

    def enter(self):
        """Those of its first process, which is the child of ours."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return ["nsenter", f"--target={children[0]}", "--mount", "--pid", "--cgroup"]

    def close(self):
        self.process.popen.kill()  # it is told nothing, and takes all that is in its namespace along
        self.process.wait()
        super().close()
