# SPDX-License-Identifier: LGPL-2.1-or-later
# Calls an expression for nixpkgs with names in place of packages, and with functions that hand back what they
# get: the attributes that the derivation would have.
{ expression }:
let
  packages = builtins.mapAttrs (name: _: name) (builtins.functionArgs expression);
  fix = attributes: let final = attributes final; in final;
in
expression (
  packages
  // {
    lib = {
      fakeHash = "";
      licenses.lgpl21Plus = "LGPL-2.1-or-later";
      mesonOption = name: value: "-D${name}=${value}";
      platforms.linux = [ ];
    };
    fetchurl = { url, hash }: url;
    stdenv.mkDerivation = fix;
  }
)
