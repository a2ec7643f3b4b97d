/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "row.h"

#include "window.h"

struct _TransferRow
{
  GtkWidget parent_instance;

  FardelTransfer *transfer;
};

enum
{
  PROP_TRANSFER = 1,
};

G_DEFINE_FINAL_TYPE (TransferRow, transfer_row, GTK_TYPE_WIDGET)

static void
show_error (TransferRow *self, const GError *error)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));

  if (TRANSFERS_IS_WINDOW (root))
    transfers_window_show_error (TRANSFERS_WINDOW (root), error);
}

/* --- what is shown; called by the bindings in row.ui --- */

static gboolean
is_offer (gpointer self, FardelState state, gboolean incoming)
{
  return incoming && state == FARDEL_STATE_OFFERED;
}

static gboolean
is_under_way (gpointer self, FardelState state, gboolean incoming)
{
  return state < FARDEL_STATE_DONE && !is_offer (self, state, incoming);
}

static gboolean
is_over (gpointer self, FardelState state)
{
  return state >= FARDEL_STATE_DONE;
}

static gboolean
is_here (gpointer self, FardelState state, gboolean incoming, GFile *file)
{
  return state == FARDEL_STATE_DONE && incoming && file;
}

static gboolean
can_resume (gpointer self, FardelState state, gboolean incoming)
{
  return !incoming
         && (state == FARDEL_STATE_INTERRUPTED || state == FARDEL_STATE_CANCELLED
             || state == FARDEL_STATE_FAILED);
}

static gboolean
has_progress (gpointer self, FardelState state, gint64 size)
{
  return size > 0 && state >= FARDEL_STATE_NEGOTIATING && state <= FARDEL_STATE_INTERRUPTED;
}

static double
fraction (gpointer self, guint64 transferred, gint64 size)
{
  return size > 0 ? (double) transferred / size : 0;
}

static char *
direction_icon (gpointer self, gboolean incoming)
{
  return g_strdup (incoming ? "go-down-symbolic" : "go-up-symbolic");
}

static GIcon *
file_icon (gpointer self, const char *mime_type, const char *name)
{
  g_autofree char *type = mime_type && *mime_type ? g_content_type_from_mime_type (mime_type)
                                                  : g_content_type_guess (name, NULL, 0, NULL);

  return g_content_type_get_icon (type ? type : "application/octet-stream");
}

static char *
other_side (gpointer self, const char *peer, gboolean incoming)
{
  /* The program that the contact uses is of no interest. */
  return g_strdup_printf ("%s %.*s", incoming ? "From" : "To", (int) strcspn (peer, "/"), peer);
}

static char *
progress_text (guint64 transferred, gint64 size, guint64 rate, gint64 remaining)
{
  g_autofree char *done = g_format_size (transferred);
  g_autoptr (GString) text = g_string_new (done);

  if (size >= 0)
    {
      g_autofree char *whole = g_format_size (size);

      g_string_append_printf (text, " of %s", whole);
    }
  if (rate)
    {
      g_autofree char *speed = g_format_size (rate);

      g_string_append_printf (text, " · %s/s", speed);
    }
  if (remaining >= 0)
    {
      gint64 seconds = (remaining + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC;

      if (seconds >= 3600)
        g_string_append_printf (text, " · %" G_GINT64_FORMAT " h %" G_GINT64_FORMAT " min left",
                                seconds / 3600, seconds / 60 % 60);
      else if (seconds >= 60)
        g_string_append_printf (text, " · %" G_GINT64_FORMAT " min left", (seconds + 59) / 60);
      else
        g_string_append_printf (text, " · %" G_GINT64_FORMAT " s left", seconds);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static char *
status_text (gpointer self, FardelState state, gboolean incoming, guint64 transferred, gint64 size,
             guint64 rate, gint64 remaining, const GError *error)
{
  g_autofree char *whole = size >= 0 ? g_format_size (size) : g_strdup ("unknown size");

  switch (state)
    {
    case FARDEL_STATE_QUEUED:
      return g_strdup_printf ("%s · waits until it can be offered", whole);
    case FARDEL_STATE_OFFERED:
      return g_strdup_printf (incoming ? "%s · waits for your answer" : "%s · waits for an answer", whole);
    case FARDEL_STATE_NEGOTIATING:
      return g_strdup_printf ("%s · connecting", whole);
    case FARDEL_STATE_UNKNOWN:
    case FARDEL_STATE_ACTIVE:
      return progress_text (transferred, size, rate, remaining);
    case FARDEL_STATE_DONE:
      return g_strdup_printf (incoming ? "%s · received" : "%s · sent", whole);
    case FARDEL_STATE_REJECTED:
      return g_strdup_printf ("%s · declined", whole);
    case FARDEL_STATE_INTERRUPTED:
    case FARDEL_STATE_CANCELLED:
    case FARDEL_STATE_FAILED:
      break;
    }
  return g_strdup (error ? error->message : "");
}

static char **
status_classes (gpointer self, FardelState state)
{
  const char *classes[] = { "caption", "numeric", state == FARDEL_STATE_FAILED ? "error" : NULL, NULL };

  return g_strdupv ((char **) classes);
}

/* --- what can be done --- */

/* Each of the four has its own _finish() with the same arguments. */
typedef gboolean (*FinishFunc) (FardelTransfer *, GAsyncResult *, GError **);

typedef struct
{
  TransferRow *row;
  FinishFunc finish;
} Request;

static Request *
request_new (TransferRow *row, FinishFunc finish)
{
  Request *request = g_new (Request, 1);

  *request = (Request){ g_object_ref (row), finish };
  return request;
}

static void
request_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Request *request = user_data;
  g_autoptr (TransferRow) row = request->row;
  g_autoptr (GError) error = NULL;

  if (!request->finish (FARDEL_TRANSFER (source), result, &error))
    show_error (row, error);
}

static void
action_accept (GtkWidget *widget, const char *name, GVariant *parameter)
{
  TransferRow *self = TRANSFER_ROW (widget);

  fardel_transfer_accept_async (self->transfer, NULL, NULL, NULL, request_done,
                                request_new (self, fardel_transfer_accept_finish));
}

static void
destination_chosen (GtkNativeDialog *dialog, int response, TransferRow *self)
{
  /* The row may show another transfer by now. */
  FardelTransfer *transfer = g_object_get_data (G_OBJECT (dialog), "transfer");

  if (response == GTK_RESPONSE_ACCEPT)
    {
      g_autoptr (GFile) file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
      GVariantDict options;

      /* If there is such a file, the dialog has asked. */
      g_variant_dict_init (&options, NULL);
      g_variant_dict_insert (&options, "overwrite", "b", TRUE);
      fardel_transfer_accept_async (transfer, file, g_variant_dict_end (&options), NULL, request_done,
                                    request_new (self, fardel_transfer_accept_finish));
    }
  g_object_unref (dialog);
}

static void
action_save_as (GtkWidget *widget, const char *name, GVariant *parameter)
{
  TransferRow *self = TRANSFER_ROW (widget);
  GtkFileChooserNative *dialog = gtk_file_chooser_native_new (
    "Save File", GTK_WINDOW (gtk_widget_get_root (widget)), GTK_FILE_CHOOSER_ACTION_SAVE, "_Save", "_Cancel");

  gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (dialog), fardel_transfer_get_name (self->transfer));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  g_object_set_data_full (G_OBJECT (dialog), "transfer", g_object_ref (self->transfer), g_object_unref);
  g_signal_connect_object (dialog, "response", G_CALLBACK (destination_chosen), self, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

static void
action_decline (GtkWidget *widget, const char *name, GVariant *parameter)
{
  TransferRow *self = TRANSFER_ROW (widget);

  fardel_transfer_reject_async (self->transfer, NULL, request_done,
                                request_new (self, fardel_transfer_reject_finish));
}

static void
action_cancel (GtkWidget *widget, const char *name, GVariant *parameter)
{
  TransferRow *self = TRANSFER_ROW (widget);

  fardel_transfer_cancel_async (self->transfer, NULL, request_done,
                                request_new (self, fardel_transfer_cancel_finish));
}

static void
action_forget (GtkWidget *widget, const char *name, GVariant *parameter)
{
  TransferRow *self = TRANSFER_ROW (widget);

  fardel_transfer_forget_async (self->transfer, NULL, request_done,
                                request_new (self, fardel_transfer_forget_finish));
}

static void
resumed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TransferRow) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (FardelTransfer) again = fardel_transfer_resume_finish (FARDEL_TRANSFER (source), result, &error);

  if (!again)
    show_error (self, error);
}

static void
action_resume (GtkWidget *widget, const char *name, GVariant *parameter)
{
  TransferRow *self = TRANSFER_ROW (widget);

  fardel_transfer_resume_async (self->transfer, NULL, NULL, resumed, g_object_ref (self));
}

static void
action_open (GtkWidget *widget, const char *name, GVariant *parameter)
{
  GFile *file = fardel_transfer_get_local_file (TRANSFER_ROW (widget)->transfer);
  g_autoptr (GFile) folder = g_file_get_parent (file);
  g_autofree char *uri = g_file_get_uri (g_str_equal (name, "transfer.open") ? file : folder);

  gtk_show_uri (GTK_WINDOW (gtk_widget_get_root (widget)), uri, GDK_CURRENT_TIME);
}

/* --- the object --- */

static void
transfer_row_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  g_value_set_object (value, TRANSFER_ROW (object)->transfer);
}

static void
transfer_row_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  if (g_set_object (&TRANSFER_ROW (object)->transfer, g_value_get_object (value)))
    g_object_notify_by_pspec (object, spec);
}

static void
transfer_row_dispose (GObject *object)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (object))))
    gtk_widget_unparent (child);
  g_clear_object (&TRANSFER_ROW (object)->transfer);
  G_OBJECT_CLASS (transfer_row_parent_class)->dispose (object);
}

static void
transfer_row_class_init (TransferRowClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (class);

  object_class->get_property = transfer_row_get_property;
  object_class->set_property = transfer_row_set_property;
  object_class->dispose = transfer_row_dispose;
  g_object_class_install_property (
    object_class, PROP_TRANSFER,
    g_param_spec_object ("transfer", NULL, NULL, FARDEL_TYPE_TRANSFER,
                         G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY));

  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BOX_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "transfer");
  gtk_widget_class_set_template_from_resource (widget_class, "/org/fardel/Transfers/row.ui");
  gtk_widget_class_bind_template_callback (widget_class, can_resume);
  gtk_widget_class_bind_template_callback (widget_class, direction_icon);
  gtk_widget_class_bind_template_callback (widget_class, file_icon);
  gtk_widget_class_bind_template_callback (widget_class, fraction);
  gtk_widget_class_bind_template_callback (widget_class, has_progress);
  gtk_widget_class_bind_template_callback (widget_class, is_here);
  gtk_widget_class_bind_template_callback (widget_class, is_offer);
  gtk_widget_class_bind_template_callback (widget_class, is_over);
  gtk_widget_class_bind_template_callback (widget_class, is_under_way);
  gtk_widget_class_bind_template_callback (widget_class, other_side);
  gtk_widget_class_bind_template_callback (widget_class, status_classes);
  gtk_widget_class_bind_template_callback (widget_class, status_text);

  gtk_widget_class_install_action (widget_class, "transfer.accept", NULL, action_accept);
  gtk_widget_class_install_action (widget_class, "transfer.save-as", NULL, action_save_as);
  gtk_widget_class_install_action (widget_class, "transfer.decline", NULL, action_decline);
  gtk_widget_class_install_action (widget_class, "transfer.cancel", NULL, action_cancel);
  gtk_widget_class_install_action (widget_class, "transfer.resume", NULL, action_resume);
  gtk_widget_class_install_action (widget_class, "transfer.forget", NULL, action_forget);
  gtk_widget_class_install_action (widget_class, "transfer.open", NULL, action_open);
  gtk_widget_class_install_action (widget_class, "transfer.open-folder", NULL, action_open);
}

static void
transfer_row_init (TransferRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
