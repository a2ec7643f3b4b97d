# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the checks share. They source it in the project's directory.
set -u

version=$(sed -n "s/^  version: '\(.*\)',$/\1/p" meson.build)
work=${work:-$PWD/build-packaging/${0##*/}}
mkdir -p "$work"

# check NAME COMMAND...: prints "ok NAME" if the command succeeds and "not ok NAME" if not.
check ()
{
  check_name=$1
  shift
  if "$@"; then
    echo "ok $check_name"
  else
    echo "not ok $check_name"
  fi
}

# Passes on standard input if it is empty; else shows it and fails.
nothing ()
{
  ! grep .
}

# install_tree MESON OPTIONS...: builds everything but the tests as a
# distribution does and installs it into $root. The build directory is shared by
# all checks, since another layout changes little of it.
install_tree ()
{
  tree=build-packaging/tree
  root=$work/root
  rm -rf "$root"
  {
    meson setup $tree "$([ -f $tree/build.ninja ] && echo --reconfigure || echo -Dauto_features=enabled)" \
      -Dprefix=/usr -Dlibdir=lib -Dlibexecdir=libexec -Dwrap_mode=nodownload -Dtests=false \
      -Dsystem-service=true -Dsystemd-user-unit-dir=/usr/lib/systemd/user "$@" &&
      ninja -C $tree &&
      DESTDIR="$root" meson install -C $tree --no-rebuild --strip
  } >"$work/install.log" 2>&1 || {
    cat "$work/install.log"
    echo "not ok ${0##*/}: build"
    exit 1
  }
}

# All installed files, sorted, as /usr/bin/fardelctl
installed_files ()
{
  (cd "$root" && find . ! -type d | sed 's/^\.//' | LC_ALL=C sort)
}

# each_file_once NAME: on standard input the files of all packages, a line each; each
# installed file must be there once, and nothing else.
each_file_once ()
{
  LC_ALL=C sort >"$work/packaged"
  installed_files >"$work/installed"
  check "$1: each installed file is in one package" diff "$work/installed" "$work/packaged"
}
