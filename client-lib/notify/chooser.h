/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The desktop's file chooser, by its portal (org.freedesktop.portal.FileChooser).
 */
#pragma once

#include <gio/gio.h>

typedef struct NtfChooser NtfChooser;

/* @changed: whether there is one has changed. */
NtfChooser *ntf_chooser_new (GDBusConnection *bus, void (*changed) (gpointer data), gpointer data);
void ntf_chooser_free (NtfChooser *chooser);
gboolean ntf_chooser_is_there (const NtfChooser *chooser);

/* @path: what the user chose, and may be replaced; NULL if they did not. */
typedef void (*NtfChosen) (const char *path, gpointer data);

/* Asks where to save a file. @chosen is called once, unless it is cancelled. */
void ntf_chooser_save (NtfChooser *chooser, const char *title, const char *name, const char *folder,
                       NtfChosen chosen, gpointer data);
/* Closes what was opened with @data. */
void ntf_chooser_cancel (NtfChooser *chooser, gpointer data);
