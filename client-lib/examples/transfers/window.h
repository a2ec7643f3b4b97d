/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The window: the list, the contacts, and what went wrong. */
#pragma once

#include <gtk/gtk.h>

#define TRANSFERS_TYPE_WINDOW (transfers_window_get_type ())
G_DECLARE_FINAL_TYPE (TransfersWindow, transfers_window, TRANSFERS, WINDOW, GtkApplicationWindow)

GtkWidget *transfers_window_new (GtkApplication *application);

/* Shows why something was not done; silent if the user has cancelled it. */
void transfers_window_show_error (TransfersWindow *self, const GError *error);
