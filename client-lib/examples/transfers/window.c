/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "window.h"

#include "row.h"

struct _TransfersWindow
{
  GtkApplicationWindow parent_instance;

  FardelClient *client; /* NULL until it is there */
  GCancellable *cancellable; /* cancelled when the window is closed */

  GtkDropDown *contact;
  GtkFilterListModel *receivers;
  GtkLabel *error;
  GtkRevealer *error_revealer;
  GtkLabel *subtitle;
  GtkSortListModel *transfers;
};

G_DEFINE_FINAL_TYPE (TransfersWindow, transfers_window, GTK_TYPE_APPLICATION_WINDOW)

void
transfers_window_show_error (TransfersWindow *self, const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  gtk_label_set_label (self->error, error->message);
  gtk_revealer_set_reveal_child (self->error_revealer, TRUE);
}

static void
hide_error (GtkRevealer *revealer)
{
  gtk_revealer_set_reveal_child (revealer, FALSE);
}

/* --- sending --- */

static void
files_offered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TransfersWindow) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) offered = fardel_client_offer_files_finish (FARDEL_CLIENT (source), result, &error);

  /* What was offered is in the list already. */
  if (!offered && !g_cancellable_is_cancelled (self->cancellable))
    transfers_window_show_error (self, error);
}

static gboolean
send_files (TransfersWindow *self, GFile **files, gsize n_files)
{
  FardelContact *contact = gtk_drop_down_get_selected_item (self->contact);

  if (!contact)
    {
      g_autoptr (GError) error = g_error_new_literal (FARDEL_ERROR, FARDEL_ERROR_PEER_OFFLINE,
                                                      "None of your contacts can receive files now.");

      transfers_window_show_error (self, error);
      return FALSE;
    }
  /* Whoever closes the window now wants the files sent all the same. */
  fardel_client_offer_files_async (self->client, fardel_contact_get_jid (contact), files, n_files, NULL, NULL,
                                   files_offered, g_object_ref (self));
  return TRUE;
}

static gboolean
files_dropped (GtkDropTarget *target, const GValue *value, double x, double y, TransfersWindow *self)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new ();

  for (GSList *file = g_value_get_boxed (value); file; file = file->next)
    g_ptr_array_add (files, file->data);
  return send_files (self, (GFile **) files->pdata, files->len);
}

static void
files_chosen (GtkNativeDialog *dialog, int response, TransfersWindow *self)
{
  if (response == GTK_RESPONSE_ACCEPT)
    {
      g_autoptr (GListModel) chosen = gtk_file_chooser_get_files (GTK_FILE_CHOOSER (dialog));
      g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_object_unref);

      for (guint i = 0; i < g_list_model_get_n_items (chosen); i++)
        g_ptr_array_add (files, g_list_model_get_item (chosen, i));
      send_files (self, (GFile **) files->pdata, files->len);
    }
  g_object_unref (dialog);
}

static void
action_send (GtkWidget *widget, const char *name, GVariant *parameter)
{
  GtkFileChooserNative *dialog = gtk_file_chooser_native_new (
    "Send Files", GTK_WINDOW (widget), GTK_FILE_CHOOSER_ACTION_OPEN, "_Send", "_Cancel");

  gtk_file_chooser_set_select_multiple (GTK_FILE_CHOOSER (dialog), TRUE);
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  g_signal_connect_object (dialog, "response", G_CALLBACK (files_chosen), widget, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

/* --- the list --- */

static void
action_clear (GtkWidget *widget, const char *name, GVariant *parameter)
{
  TransfersWindow *self = TRANSFERS_WINDOW (widget);

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->transfers)); i++)
    {
      g_autoptr (FardelTransfer) transfer = g_list_model_get_item (G_LIST_MODEL (self->transfers), i);

      if (fardel_transfer_get_state (transfer) >= FARDEL_STATE_DONE)
        fardel_transfer_forget_async (transfer, NULL, NULL, NULL);
    }
}

static char *
page_name (TransfersWindow *self, guint n_items)
{
  return g_strdup (n_items ? "list" : "empty");
}

/* --- contacts and accounts --- */

static void
receivers_changed (TransfersWindow *self)
{
  gtk_filter_changed (gtk_filter_list_model_get_filter (self->receivers), GTK_FILTER_CHANGE_DIFFERENT);
}

/* Filters do not see by themselves that a property of an item changes. */
static gpointer
watch_contact (gpointer contact, gpointer self)
{
  g_signal_connect_object (contact, "notify::can-receive", G_CALLBACK (receivers_changed), self,
                           G_CONNECT_SWAPPED);
  return contact;
}

static gpointer
contacts_of_account (gpointer item, gpointer self)
{
  g_autoptr (FardelAccount) account = item;
  GListModel *contacts = g_object_ref (fardel_account_get_contacts (account));

  return gtk_map_list_model_new (contacts, watch_contact, self, NULL);
}

static char *
contact_title (gpointer unused, const char *name, const char *jid)
{
  return g_strdup (name && *name ? name : jid);
}

static gboolean
is_set (TransfersWindow *self, GObject *object)
{
  return object != NULL;
}

static void
show_accounts (TransfersWindow *self)
{
  GListModel *accounts = fardel_client_get_accounts (self->client);
  g_autoptr (GEnumClass) statuses = g_type_class_ref (FARDEL_TYPE_ACCOUNT_STATUS);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (accounts); i++)
    {
      g_autoptr (FardelAccount) account = g_list_model_get_item (accounts, i);
      GEnumValue *status = g_enum_get_value (statuses, fardel_account_get_status (account));

      g_string_append_printf (text, "%s%s is %s", i ? ", " : "", fardel_account_get_jid (account),
                              status->value_nick);
    }
  if (!fardel_client_is_running (self->client))
    g_string_assign (text, "fardel is not running");
  else if (text->len == 0)
    g_string_assign (text, "There is no account yet; in a terminal: fardelctl account add");
  gtk_label_set_label (self->subtitle, text->str);
}

static void
accounts_changed (GListModel *accounts, guint position, guint removed, guint added, TransfersWindow *self)
{
  for (guint i = position; i < position + added; i++)
    {
      g_autoptr (FardelAccount) account = g_list_model_get_item (accounts, i);

      g_signal_connect_object (account, "notify::status", G_CALLBACK (show_accounts), self,
                               G_CONNECT_SWAPPED);
    }
  show_accounts (self);
}

static void
client_made (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TransfersWindow) self = user_data;
  g_autoptr (GError) error = NULL;
  GListModel *accounts;
  GtkMapListModel *rosters;

  self->client = fardel_client_new_finish (result, &error);
  if (!self->client)
    {
      transfers_window_show_error (self, error);
      return;
    }
  gtk_sort_list_model_set_model (self->transfers, fardel_client_get_transfers (self->client));

  accounts = fardel_client_get_accounts (self->client);
  rosters = gtk_map_list_model_new (g_object_ref (accounts), contacts_of_account, self, NULL);
  gtk_filter_list_model_set_model (self->receivers,
                                   G_LIST_MODEL (gtk_flatten_list_model_new (G_LIST_MODEL (rosters))));

  g_signal_connect_object (accounts, "items-changed", G_CALLBACK (accounts_changed), self, 0);
  g_signal_connect_object (self->client, "notify::running", G_CALLBACK (show_accounts), self,
                           G_CONNECT_SWAPPED);
  accounts_changed (accounts, 0, 0, g_list_model_get_n_items (accounts), self);
}

/* --- the object --- */

static void
transfers_window_dispose (GObject *object)
{
  TransfersWindow *self = TRANSFERS_WINDOW (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->client);
  G_OBJECT_CLASS (transfers_window_parent_class)->dispose (object);
}

static void
transfers_window_finalize (GObject *object)
{
  g_clear_object (&TRANSFERS_WINDOW (object)->cancellable);
  G_OBJECT_CLASS (transfers_window_parent_class)->finalize (object);
}

static void
transfers_window_class_init (TransfersWindowClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  object_class->dispose = transfers_window_dispose;
  object_class->finalize = transfers_window_finalize;

  /* The template names them. */
  g_type_ensure (FARDEL_TYPE_CONTACT);
  g_type_ensure (FARDEL_TYPE_TRANSFER);
  g_type_ensure (TRANSFER_TYPE_ROW);

  gtk_widget_class_set_template_from_resource (widget_class, "/org/fardel/Transfers/window.ui");
  gtk_widget_class_bind_template_child (widget_class, TransfersWindow, contact);
  gtk_widget_class_bind_template_child (widget_class, TransfersWindow, receivers);
  gtk_widget_class_bind_template_child (widget_class, TransfersWindow, error);
  gtk_widget_class_bind_template_child (widget_class, TransfersWindow, error_revealer);
  gtk_widget_class_bind_template_child (widget_class, TransfersWindow, subtitle);
  gtk_widget_class_bind_template_child (widget_class, TransfersWindow, transfers);
  gtk_widget_class_bind_template_callback (widget_class, contact_title);
  gtk_widget_class_bind_template_callback (widget_class, files_dropped);
  gtk_widget_class_bind_template_callback (widget_class, hide_error);
  gtk_widget_class_bind_template_callback (widget_class, is_set);
  gtk_widget_class_bind_template_callback (widget_class, page_name);

  gtk_widget_class_install_action (widget_class, "win.send", NULL, action_send);
  gtk_widget_class_install_action (widget_class, "win.clear", NULL, action_clear);
}

static void
transfers_window_init (TransfersWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->cancellable = g_cancellable_new ();
  fardel_client_new_async (self->cancellable, client_made, g_object_ref (self));
}

GtkWidget *
transfers_window_new (GtkApplication *application)
{
  return g_object_new (TRANSFERS_TYPE_WINDOW, "application", application, NULL);
}
