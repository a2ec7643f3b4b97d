/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the user calls the peers: the contact lists of the accounts, asked for
 * when the first name is needed.
 */
#pragma once

#include "words.h"

#include <gio/gio.h>

typedef struct NtfContacts NtfContacts;

/* @loaded: the names of an account are there. */
NtfContacts *ntf_contacts_new (GDBusConnection *bus, void (*loaded) (gpointer data), gpointer data);
void ntf_contacts_free (NtfContacts *contacts);
/* The daemon has gone. */
void ntf_contacts_forget (NtfContacts *contacts);
/* FALSE: not known yet, @loaded will come. @ret_peer->name: g_free(). */
gboolean ntf_contacts_find (NtfContacts *contacts, const char *account, const char *jid, NtfPeer *ret_peer);
