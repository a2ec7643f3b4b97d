# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: drag.py FILE…
A window from which the files can be dragged, as from that of a file manager."""

import sys

import gi
gi.require_versions({"Gdk": "4.0", "Gtk": "4.0"})
from gi.repository import Gdk, Gio, Gtk


def activate(application):
    files = Gdk.FileList.new_from_array([Gio.File.new_for_path(path) for path in sys.argv[1:]])
    source = Gtk.DragSource(actions=Gdk.DragAction.COPY, content=Gdk.ContentProvider.new_for_value(files))
    child = Gtk.Label(label="Drag me")
    child.add_controller(source)
    Gtk.ApplicationWindow(application=application, child=child, decorated=False, default_width=100,
                          default_height=60).present()


app = Gtk.Application(application_id="org.fardel.Test.Drag")
app.connect("activate", activate)
app.run()
