# shellcheck shell=dash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# usage: dash abuild.sh APKBUILD TREE DIRECTORY
# Splits the installed TREE into DIRECTORY/PACKAGE as abuild does for the APKBUILD's subpackages: their
# functions, or abuild's own for the usual suffixes, move files out of the main package.
set -eu

tree=$2 packages=$3
# abuild's option to make a subpackage of nothing is off: what moves nothing is a mistake.
amove ()
{
  local pattern file
  for pattern; do
    for file in $(cd "$pkgdir" && echo $pattern); do
      mkdir -p "$subpkgdir/${file%/*}"
      mv "$pkgdir/$file" "$subpkgdir/$file"
    done
  done
}

# Moves what is there of several places.
move_any ()
{
  local pattern file
  for pattern; do
    for file in $(cd "$pkgdir" && echo $pattern); do
      if [ -e "$pkgdir/$file" ] || [ -L "$pkgdir/$file" ]; then
        amove "$file"
      fi
    done
  done
}

default_dbg () { :; } # strips
default_dev () { move_any usr/include usr/lib/*.so usr/lib/pkgconfig usr/share/gir-1.0 usr/share/vala; }
default_doc () { move_any usr/share/doc usr/share/man usr/share/gtk-doc; }
default_lang () { move_any usr/share/locale; }
default_bash_completion () { move_any usr/share/bash-completion; }
default_zsh_completion () { move_any usr/share/zsh; }
default_fish_completion () { move_any usr/share/fish; }

# shellcheck source=/dev/null
. "$1"

pkgdir=$packages/$pkgname
mkdir -p "$packages"
cp -a "$tree" "$pkgdir"
for subpackage in $subpackages; do
  name=${subpackage%%:*}
  function=$(echo "$subpackage" | cut -s -d : -f 2)
  [ -n "$function" ] || function=${name#"$pkgname"-}
  function=$(echo "$function" | tr - _)
  type "$function" >/dev/null 2>&1 || function=default_$function
  subpkgdir=$packages/$name
  "$function"
  if [ "$function" != default_dbg ] && [ -z "$(find "$subpkgdir" ! -type d 2>/dev/null)" ]; then
    echo "$name is empty"
    exit 1
  fi
done
