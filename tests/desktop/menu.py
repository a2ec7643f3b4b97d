# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: menu.py EXTENSION MODULE VERSION URI…
Loads an extension as a file manager would, asks it for the menu of some files,
prints its entry and picks that. Where the module is not installed, something
else stands for it."""

import importlib.util
import sys
import types

import gi
from gi.repository import GObject


def make_module(name):
    class MenuItem(GObject.Object):
        __gsignals__ = {"activate": (GObject.SignalFlags.RUN_LAST, None, ())}

        def __init__(self, label, **_):
            super().__init__()
            self.label = label

    module = types.ModuleType(name)
    module.MenuItem = MenuItem
    module.MenuProvider = type("MenuProvider", (), {})
    sys.modules["gi.repository." + name] = module


path, name, version, *uris = sys.argv[1:]
try:
    gi.require_version(name, version)
except ValueError:
    make_module(name)
spec = importlib.util.spec_from_file_location("extension", path)
extension = importlib.util.module_from_spec(spec)
spec.loader.exec_module(extension)
provider = extension.FardelSendTo()
files = [types.SimpleNamespace(get_uri=lambda uri=uri: uri) for uri in uris]
before = [] if version == "4.0" else ["a window"]
assert provider.get_file_items(*before, []) == []
[item] = provider.get_file_items(*before, files)
print(type(item).__module__, item.label if hasattr(item, "label") else item.props.label)
item.emit("activate")
