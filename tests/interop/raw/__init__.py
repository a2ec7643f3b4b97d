# SPDX-License-Identifier: LGPL-2.1-or-later
"""A peer that does what a test says and nothing else: slixmpp carries its
stanzas, everything above (Jingle, SOCKS5, in-band streams) is by hand, so that
it can misbehave."""
