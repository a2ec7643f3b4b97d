# SPDX-License-Identifier: LGPL-2.1-or-later
"""A throw-away world for fardeld: private buses, an XMPP server on loopback,
daemons with a home of their own, network namespaces."""
