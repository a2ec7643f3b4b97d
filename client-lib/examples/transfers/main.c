/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A window with the user's file transfers, on libfardel and GTK 4. This file is the application; the window
 * and its drop-down of contacts are in window.c, what a transfer shows and can do in row.c. */
#include "window.h"

static void
application_activated (GtkApplication *application, gpointer unused)
{
  GtkWindow *window = gtk_application_get_active_window (application);

  gtk_window_present (window ? window : GTK_WINDOW (transfers_window_new (application)));
}

static void
application_started (GtkApplication *application, gpointer unused)
{
  g_autoptr (GtkCssProvider) style = gtk_css_provider_new ();

  gtk_css_provider_load_from_resource (style, "/org/fardel/Transfers/style.css");
  gtk_style_context_add_provider_for_display (gdk_display_get_default (), GTK_STYLE_PROVIDER (style),
                                              GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
  gtk_application_set_accels_for_action (application, "win.send", (const char *[]){ "<Control>o", NULL });
  gtk_application_set_accels_for_action (application, "window.close", (const char *[]){ "<Control>w", NULL });
}

int
main (int argc, char **argv)
{
  g_autoptr (GtkApplication) application = NULL;

  g_set_application_name ("Transfers");
  application = gtk_application_new ("org.fardel.Transfers", G_APPLICATION_FLAGS_NONE);
  g_signal_connect (application, "startup", G_CALLBACK (application_started), NULL);
  g_signal_connect (application, "activate", G_CALLBACK (application_activated), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
