#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# usage: auto-accept.sh JID [FOLDER]
# Takes every file that JID offers, into FOLDER (default: the download folder),
# until it is stopped. Needs nothing but busctl. The account's AutoAccept does
# this without a script; here is the place for rules of your own.
set -eu

peer=${1:?usage: auto-accept.sh JID [FOLDER]}
folder=${2:+$(cd "$2" && pwd)/}
name=org.fardel.Fardel1

accept_all ()
{
  # Quotes within a value are escaped in JSON, so no name of a file looks like a path of an object.
  busctl --user --json=short call $name /org/fardel/Fardel1 $name.Manager ListTransfers \
    'a{sv}' 3 direction s incoming state s offered peer s "$peer" |
    grep -o '"Path":{"type":"o","data":"[^"]*"' | cut -d '"' -f 10 |
    while read -r transfer; do
      # Another program may have answered first.
      busctl --user --json=short call $name "$transfer" $name.Transfer Accept 'sa{sv}' "$folder" 0 || true
    done
}

# The first line says that busctl listens: what was offered before is looked for then. Every further one is a
# transfer that appears; what the daemon lists counts, not what the line says.
busctl --user --json=short monitor \
  --match="type='signal',sender='$name',interface='org.freedesktop.DBus.ObjectManager',member='InterfacesAdded'" 2>&1 |
  while read -r _; do
    accept_all
  done
