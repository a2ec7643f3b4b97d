# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# What the checks of the Debian packages share: clean systems, made of layers so
# that each costs a mount, and entered in namespaces of their own. Needs root.
# FARDEL_MIRROR names another mirror than deb.debian.org. Delete their directory
# to begin anew.
work=$PWD/build-packaging/debian
. packaging/checks/common.sh
set -e

suite=bookworm
mirror=${FARDEL_MIRROR:-http://deb.debian.org/debian}
base=$work/base
source=$work/source
debs=$work/debs
mkdir -p "$work/archives/partial"

# The smallest system that has apt, and a user who is nobody.
make_base ()
{
  [ ! -d "$base" ] || return 0
  rm -rf "$base.new"
  mmdebstrap --variant=apt --aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io \
    --skip=cleanup/apt/lists \
    --customize-hook='chroot "$1" useradd --create-home --uid 1000 --shell /bin/sh user' \
    --customize-hook='printf "#!/bin/sh\nexit 101\n" >"$1/usr/sbin/policy-rc.d"; chmod +x "$1/usr/sbin/policy-rc.d"' \
    "$suite" "$base.new" "$mirror"
  mv "$base.new" "$base"
}

# inside LAYERS CHANGES SHARED COMMAND...
# Runs a command as root in a system of LAYERS (the topmost first, with colons
# between), with the directory SHARED as /mnt. What it changes goes to CHANGES.
# It has no network but loopback; online_inside has the machine's.
inside ()
{
  enter --net "$@"
}

online_inside ()
{
  enter '' "$@"
}

enter ()
{
  namespace=$1
  shift
  mkdir -p "$2" "$2.work" "$2.root"
  # shellcheck disable=SC2016 # for the inner shell
  unshare --mount --pid --uts --ipc ${namespace:+"$namespace"} --fork --kill-child sh -euc '
    archives=$1 layers=$2 changes=$3 shared=$4 root=$3.root
    shift 4
    mount --make-rprivate /
    mount -t overlay overlay -o "lowerdir=$layers,upperdir=$changes,workdir=$changes.work" "$root"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs tmpfs "$root/dev/shm"
    mount --bind "$shared" "$root/mnt"
    mount --bind "$archives" "$root/var/cache/apt/archives"
    hostname clean
    ip link set lo up
    cat /etc/resolv.conf >"$root/etc/resolv.conf"
    exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
      DEBIAN_FRONTEND=noninteractive "$@"
  ' inside "$work/archives" "$@"
}

# layer NAME BELOW COMMAND...
# Makes $layers/NAME, kept for the next time: what COMMAND adds to the system
# BELOW, with the network.
layers=$work/layers
layer ()
{
  name=$1 below=$2
  shift 2
  [ ! -d "$layers/$name" ] || return 0
  rm -rf "$layers/$name.new"*
  online_inside "$below" "$layers/$name.new" "$source" sh -euc 'apt-get update; exec "$@"' layer "$@"
  mv "$layers/$name.new" "$layers/$name"
  rm -rf "$layers/$name.new"*
}

# build DIRECTORY VARIABLE=VALUE...
# Builds the packages as the user, in a directory of that name, with the
# environment given; NAME.log tells how.
build ()
{
  name=$(basename "$1")
  rm -rf "$work/changes/$name"*
  inside "$layers/build:$base" "$work/changes/$name" "$source" sh -euc '
    install -d -o user "$1"
    cd "$1"
    shift
    exec runuser -u user -- env HOME=/home/user "$@" sh -euc "
      umask \${UMASK-022}
      dpkg-source -x /mnt/*.dsc tree
      cd tree
      \${CLOCK-} dpkg-buildpackage -b -us -uc"
  ' build "$@" >"$work/$name.log" 2>&1 || {
    tail -n 100 "$work/$name.log"
    return 1
  }
  built=$work/changes/$name$1
}
