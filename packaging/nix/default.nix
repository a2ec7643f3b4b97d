# SPDX-License-Identifier: LGPL-2.1-or-later
# For nixpkgs: pkgs.callPackage ./default.nix { }
{
  lib,
  stdenv,
  fetchurl,
  dbus,
  expat,
  gettext,
  gi-docgen,
  glib,
  gobject-introspection,
  libidn,
  libsecret,
  libstrophe,
  meson,
  ninja,
  openssl,
  pkg-config,
  scdoc,
  shared-mime-info,
  systemd,
  vala,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "fardel";
  version = "0.1.0";

  src = fetchurl {
    url = "https://fardel.org/releases/fardel-${finalAttrs.version}.tar.xz";
    hash = lib.fakeHash; # of the release: nix-prefetch-url
  };

  outputs = [
    "out"
    "dev"
    "devdoc"
    "man"
  ];

  strictDeps = true;
  depsBuildBuild = [ pkg-config ];

  nativeBuildInputs = [
    gettext
    gi-docgen
    glib
    gobject-introspection
    meson
    ninja
    pkg-config
    scdoc
    vala
  ];

  buildInputs = [
    dbus
    expat
    libidn
    libsecret
    libstrophe
    openssl
    systemd
  ];

  # Whoever includes libfardel's header includes GLib's.
  propagatedBuildInputs = [ glib ];

  mesonFlags = [
    (lib.mesonOption "systemd-user-unit-dir" "${placeholder "out"}/lib/systemd/user")
  ];

  doCheck = true;
  nativeCheckInputs = [ shared-mime-info ];
  mesonCheckFlags = [ "--suite=unit" ];

  # Not in postInstall: the hook for several outputs would move it back.
  postFixup = ''
    moveToOutput share/doc "$devdoc"
  '';

  meta = {
    description = "File transfers over XMPP for every program of the desktop";
    homepage = "https://fardel.org/";
    license = lib.licenses.lgpl21Plus;
    mainProgram = "fardelctl";
    platforms = lib.platforms.linux;
  };
})
