/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Dino as a peer for tests: its libraries, with the modules that its account
 * manager makes, on one connection and without a window. Commands come as
 * lines of JSON on stdin, events go to stdout (see ../peer.py).
 */
#include "dino.h"

#include <gio/gunixinputstream.h>
#include <ifaddrs.h>
#include <locale.h>
#include <net/if.h>
#include <netdb.h>
#include <stdlib.h>

#define EXIT_SKIPPED 77
#define BLOCK 65536

static char *opt_jid, *opt_password, *opt_host, *opt_ca, *opt_directory, *opt_log;
static int opt_port;
static gboolean opt_no_direct, opt_no_proxy, opt_ibb_only, opt_reject, opt_hold;

static const GOptionEntry options[] = {
  { "jid", 0, 0, G_OPTION_ARG_STRING, &opt_jid, "Account", "BARE JID" },
  { "password", 0, 0, G_OPTION_ARG_STRING, &opt_password, "Its password", "PASSWORD" },
  { "host", 0, 0, G_OPTION_ARG_STRING, &opt_host, "Address of its server", "HOST" },
  { "port", 0, 0, G_OPTION_ARG_INT, &opt_port, "Port with STARTTLS", "PORT" },
  { "ca", 0, 0, G_OPTION_ARG_FILENAME, &opt_ca, "Certificates to trust", "FILE" },
  { "directory", 0, 0, G_OPTION_ARG_FILENAME, &opt_directory, "Where received files go", "DIRECTORY" },
  { "log", 0, 0, G_OPTION_ARG_STRING, &opt_log, "What Dino logs of the stream, as for its DINO_LOG", "WHAT" },
  { "no-direct", 0, 0, G_OPTION_ARG_NONE, &opt_no_direct, "Offer no address of this host", NULL },
  { "no-proxy", 0, 0, G_OPTION_ARG_NONE, &opt_no_proxy, "Offer no proxy", NULL },
  { "ibb-only", 0, 0, G_OPTION_ARG_NONE, &opt_ibb_only, "Be without SOCKS5 bytestreams", NULL },
  { "reject", 0, 0, G_OPTION_ARG_NONE, &opt_reject, "Refuse what is offered", NULL },
  { "hold", 0, 0, G_OPTION_ARG_NONE, &opt_hold, "Accept, but do not read the file", NULL },
  { 0 },
};

static GMainLoop *loop;
static Stream *stream;
static gpointer file_module, proxy_module;
static char *jid; /* ours, full */
static gboolean present, online, quitting;

typedef struct
{
  gboolean outgoing;
  gboolean ended; /* and told */
  gpointer session;
  gpointer file; /* an incoming Xmpp.Xep.JingleFileTransfer.FileTransfer */
  GInputStream *input;
  GOutputStream *output;
  char *path;
} Transfer;

/* The last one, and those whose session is not known yet. A test has few, so
 * none is freed. */
static Transfer *current;
static GQueue expected = G_QUEUE_INIT;

static char *
json (const char *text)
{
  GString *result = g_string_new ("\"");

  for (const char *c = text ? text : ""; *c; c++)
    if (*c == '"' || *c == '\\' || (guchar) *c < 0x20)
      g_string_append_printf (result, "\\u%04x", *c);
    else
      g_string_append_c (result, *c);
  g_string_append_c (result, '"');
  return g_string_free (result, FALSE);
}

static void
tell_end (Transfer *transfer, gboolean done, const char *reason)
{
  const char *direction = transfer->outgoing ? "out" : "in";
  g_autofree char *path = json (transfer->path);
  g_autofree char *text = json (reason);

  if (transfer->ended)
    return;
  transfer->ended = TRUE;
  if (done)
    g_print ("{\"event\": \"done\", \"direction\": \"%s\", \"path\": %s}\n", direction, path);
  else
    g_print ("{\"event\": \"failed\", \"direction\": \"%s\", \"path\": %s, \"reason\": %s}\n", direction,
             path, text);
}

static void
fail (const char *what, GError *error)
{
  g_printerr ("%s: %s\n", what, error ? error->message : "ended");
  exit (EXIT_FAILURE);
}

static Transfer *
begin_transfer (gboolean outgoing, const char *path)
{
  current = g_new0 (Transfer, 1);
  current->outgoing = outgoing;
  current->path = g_strdup (path);
  g_queue_push_tail (&expected, current);
  return current;
}

static void
on_terminated (gpointer session, Stream *s, gboolean by_us, const char *reason, const char *text,
               Transfer *transfer)
{
  gboolean success = g_strcmp0 (reason, "success") == 0;

  g_printerr ("%s ended the session: %s %s\n", by_us ? "dino" : "the peer", reason, text ? text : "");
  /* An incoming file is done when it has been read. */
  if (transfer->outgoing || !success)
    tell_end (transfer, success, reason);
}

/* Sessions begin in the order of their transfers. */
static Transfer *
follow_session (gpointer session)
{
  Transfer *transfer = g_queue_pop_head (&expected);

  transfer->session = g_object_ref (session);
  g_signal_connect (session, "terminated", G_CALLBACK (on_terminated), transfer);
  return transfer;
}

/* --- receiving: as Dino's FileManager does it --- */

static void
on_input_closed (GObject *input, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  Transfer *transfer = data;

  if (g_input_stream_close_finish (transfer->input, result, &error)
      && g_output_stream_close (transfer->output, NULL, &error))
    tell_end (transfer, TRUE, NULL);
  else
    tell_end (transfer, FALSE, error->message);
}

static void
on_block (GObject *input, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  Transfer *transfer = data;
  g_autoptr (GBytes) block = g_input_stream_read_bytes_finish (transfer->input, result, &error);
  gsize size = 0;
  gconstpointer bytes = block ? g_bytes_get_data (block, &size) : NULL;

  if (!block || !g_output_stream_write_all (transfer->output, bytes, size, NULL, NULL, &error))
    tell_end (transfer, FALSE, error->message);
  else if (size == 0)
    g_input_stream_close_async (transfer->input, G_PRIORITY_DEFAULT, NULL, on_input_closed, transfer);
  else
    g_input_stream_read_bytes_async (transfer->input, BLOCK, G_PRIORITY_DEFAULT, NULL, on_block, transfer);
}

static void
on_accepted (GObject *file, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  Transfer *transfer = data;
  g_autoptr (GFile) target = g_file_new_for_path (transfer->path);

  xmpp_xep_jingle_file_transfer_file_transfer_accept_finish (file, result, &error);
  transfer->input = xmpp_xep_jingle_file_transfer_file_transfer_get_stream (file);
  /* Without a connection there is sometimes neither an error nor a stream. */
  if (error || !transfer->input)
    {
      tell_end (transfer, FALSE, error ? error->message : "no connection");
      return;
    }
  g_object_ref (transfer->input);
  transfer->output = G_OUTPUT_STREAM (g_file_create (target, G_FILE_CREATE_NONE, NULL, &error));
  if (!transfer->output)
    fail (transfer->path, error);
  if (opt_hold)
    g_print ("{\"event\": \"progress\", \"direction\": \"in\", \"bytes\": 0}\n");
  else
    g_input_stream_read_bytes_async (transfer->input, BLOCK, G_PRIORITY_DEFAULT, NULL, on_block, transfer);
}

static void
on_file_incoming (gpointer module, Stream *s, gpointer file, gpointer data)
{
  const char *name = xmpp_xep_jingle_file_transfer_file_transfer_get_file_name (file);
  g_autofree char *from = xmpp_jid_to_string (xmpp_xep_jingle_file_transfer_file_transfer_get_peer (file));
  g_autofree char *json_from = json (from);
  g_autofree char *json_name = json (name);
  g_autofree char *base = g_path_get_basename (name ? name : "file");
  g_autofree char *path = g_build_filename (opt_directory, base, NULL);

  g_print ("{\"event\": \"offer\", \"from\": %s, \"name\": %s, \"size\": %" G_GINT64_FORMAT "}\n", json_from,
           json_name, xmpp_xep_jingle_file_transfer_file_transfer_get_size (file));
  begin_transfer (FALSE, path)->file = g_object_ref (file);
}

/* Follows on_file_incoming() and Dino's reply to the offer. */
static void
on_session_initiated (gpointer module, Stream *s, gpointer session, gpointer data)
{
  Transfer *transfer = follow_session (session);

  if (opt_reject)
    xmpp_xep_jingle_file_transfer_file_transfer_reject (transfer->file, stream);
  else
    xmpp_xep_jingle_file_transfer_file_transfer_accept (transfer->file, stream, on_accepted, transfer);
}

/* --- sending --- */

static void
on_session_found (GObject *flag, GAsyncResult *result, gpointer data)
{
  follow_session (xmpp_xep_jingle_flag_get_session_finish (flag, result));
}

static gpointer
find_sessions (void)
{
  gpointer flags = xmpp_xmpp_stream_get_flags (stream);

  for (int i = 0; i < gee_collection_get_size (flags); i++)
    {
      g_autoptr (GObject) flag = gee_list_get (flags, i);

      if (g_str_equal (G_OBJECT_TYPE_NAME (flag), "XmppXepJingleFlag"))
        return flag;
    }
  g_assert_not_reached ();
}

/* Dino keeps the sessions that it starts to itself: the way to one is its id. */
static void
on_outgoing_iq (gpointer module, Stream *s, Stanza *iq, gpointer data)
{
  StanzaNode *jingle = xmpp_stanza_node_get_subnode (iq->node, "jingle", "urn:xmpp:jingle:1", FALSE);

  if (jingle && g_strcmp0 (xmpp_stanza_node_get_attribute (jingle, "action", NULL), "session-initiate") == 0)
    xmpp_xep_jingle_flag_get_session (find_sessions (), xmpp_stanza_node_get_attribute (jingle, "sid", NULL),
                                      on_session_found, NULL);
}

static void
on_sent (GObject *module, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  Transfer *transfer = data;

  /* Sent is not received: success is the peer's session-terminate. */
  xmpp_xep_jingle_file_transfer_module_offer_file_stream_finish (module, result, &error);
  if (error)
    {
      g_queue_remove (&expected, transfer);
      tell_end (transfer, FALSE, error->message);
    }
}

static void
send_file (const char *to, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInfo) info = NULL;
  g_autofree char *name = g_file_get_basename (file);
  Transfer *transfer = begin_transfer (TRUE, path);
  Jid *peer = xmpp_jid_new (to, &error);

  if (peer)
    info = g_file_query_info (file, G_FILE_ATTRIBUTE_STANDARD_SIZE, G_FILE_QUERY_INFO_NONE, NULL, &error);
  if (info)
    transfer->input = G_INPUT_STREAM (g_file_read (file, NULL, &error));
  if (!transfer->input)
    fail (path, error);
  xmpp_xep_jingle_file_transfer_module_offer_file_stream (file_module, stream, peer, transfer->input, name,
                                                          g_file_info_get_size (info), NULL, NULL, on_sent,
                                                          transfer);
}

/* --- commands --- */

static void
on_disconnected (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  xmpp_xmpp_stream_disconnect_finish (stream, result, &error);
  if (error)
    fail ("disconnection", error);
  g_main_loop_quit (loop);
}

/* Says good-bye, else the server keeps the resource for a resumption. */
static void
quit (void)
{
  if (quitting)
    return;
  quitting = TRUE;
  xmpp_xmpp_stream_disconnect (stream, on_disconnected, NULL);
}

static void
run_command (GVariant *command)
{
  const char *what = "", *to = NULL, *path = NULL;

  g_variant_lookup (command, "do", "&s", &what);
  g_variant_lookup (command, "to", "&s", &to);
  g_variant_lookup (command, "path", "&s", &path);
  if (g_str_equal (what, "send") && to && path)
    send_file (to, path);
  else if (g_str_equal (what, "cancel") && current && current->session)
    xmpp_xep_jingle_session_terminate (current->session, "cancel", NULL, NULL);
  else if (g_str_equal (what, "quit"))
    quit ();
  else
    g_printerr ("cannot do '%s' now\n", what);
}

static void
on_line (GObject *input, GAsyncResult *result, gpointer data)
{
  GDataInputStream *lines = G_DATA_INPUT_STREAM (input);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) command = NULL;
  g_autofree char *line = g_data_input_stream_read_line_finish_utf8 (lines, result, NULL, NULL);

  if (!line)
    {
      quit ();
      return;
    }
  /* An object of strings reads the same in JSON and in GVariant's text format. */
  command = g_variant_parse (G_VARIANT_TYPE ("a{ss}"), line, NULL, NULL, &error);
  if (command)
    run_command (command);
  else
    g_printerr ("%s: %s\n", line, error->message);
  g_data_input_stream_read_line_async (lines, G_PRIORITY_DEFAULT, NULL, on_line, NULL);
}

/* --- the connection --- */

/* As the program's: all addresses but the loopback's, with the scope of link-local ones. */
static gpointer
list_addresses (gpointer data)
{
  gpointer list = gee_array_list_new (G_TYPE_STRING, (GBoxedCopyFunc) g_strdup, g_free, NULL, NULL, NULL);
  struct ifaddrs *addresses = NULL;

  if (!opt_no_direct && getifaddrs (&addresses) < 0)
    fail ("getifaddrs", NULL);
  for (struct ifaddrs *i = addresses; i; i = i->ifa_next)
    {
      char host[NI_MAXHOST];
      int family = i->ifa_addr ? i->ifa_addr->sa_family : AF_UNSPEC;
      socklen_t length = family == AF_INET ? sizeof (struct sockaddr_in) : sizeof (struct sockaddr_in6);

      if ((family == AF_INET || family == AF_INET6) && !(i->ifa_flags & IFF_LOOPBACK)
          && getnameinfo (i->ifa_addr, length, host, sizeof (host), NULL, 0, NI_NUMERICHOST) == 0)
        gee_collection_add (list, host);
    }
  freeifaddrs (addresses);
  return list;
}

static gboolean
refuse_certificate (GTlsCertificate *certificate, GTlsCertificateFlags errors, gpointer data)
{
  g_printerr ("the server's certificate is not good: %x\n", errors);
  return FALSE;
}

/* Online is: our presence was sent to all, and the proxy that is needed is known. */
static void
tell_online (void)
{
  gboolean needs_proxy = opt_no_direct && !opt_no_proxy && !opt_ibb_only;
  gpointer proxies = xmpp_xep_socks5_bytestreams_module_get_proxies (proxy_module, stream);

  if (online || !present || (needs_proxy && gee_collection_get_size (proxies) == 0))
    return;
  online = TRUE;
  g_print ("{\"event\": \"online\", \"jid\": \"%s\"}\n", jid);
}

static gboolean
on_iq_done (gpointer data)
{
  tell_online ();
  return G_SOURCE_REMOVE;
}

/* Comes before Dino looks at the stanza. */
static void
on_iq (Stream *s, StanzaNode *iq, gpointer data)
{
  if (opt_no_proxy)
    gee_collection_clear (xmpp_xep_socks5_bytestreams_module_get_proxies (proxy_module, stream));
  g_idle_add (on_iq_done, NULL);
}

static void
on_negotiated (Stream *s, gpointer data)
{
  jid = xmpp_jid_to_string (xmpp_bind_flag_get_my_jid (stream));
  g_signal_connect (stream, "received-iq-stanza", G_CALLBACK (on_iq), NULL);
}

static void
on_available (gpointer module, Stream *s, Stanza *presence, gpointer data)
{
  if (g_strcmp0 (xmpp_stanza_node_get_attribute (presence->node, "from", NULL), jid) == 0)
    {
      present = TRUE;
      tell_online ();
    }
}

static void
on_ended (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  xmpp_xmpp_stream_loop_finish (stream, result, &error);
  if (!quitting)
    fail ("stream", error);
}

static void
on_connected (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  xmpp_xmpp_stream_connect_finish (stream, result, &error);
  if (error)
    fail ("connection", error);
  xmpp_xmpp_stream_loop (stream, on_ended, NULL);
}

static void
add_module (gpointer module)
{
  const char *type = G_OBJECT_TYPE_NAME (module);

  if (opt_ibb_only && g_str_equal (type, "XmppXepJingleSocks5BytestreamsModule"))
    return;
  if (g_str_equal (type, "XmppXepSocks5BytestreamsModule"))
    {
      proxy_module = module;
      xmpp_xep_socks5_bytestreams_module_set_local_ip_address_handler (module, list_addresses, NULL, NULL);
    }
  else if (g_str_equal (type, "XmppXepServiceDiscoveryModule"))
    dino_add_discovery (module, stream);
  else if (g_str_equal (type, "XmppPresenceModule"))
    g_signal_connect (module, "received-available", G_CALLBACK (on_available), NULL);
  else if (g_str_equal (type, "XmppXepJingleFileTransferModule"))
    {
      file_module = module;
      g_signal_connect (module, "file-incoming", G_CALLBACK (on_file_incoming), NULL);
    }
  else if (g_str_equal (type, "XmppXepJingleModule"))
    g_signal_connect (module, "session-initiate-received", G_CALLBACK (on_session_initiated), NULL);
  else if (g_str_equal (type, "XmppIqModule"))
    g_signal_connect (module, "preprocess-outgoing-iq-set-get", G_CALLBACK (on_outgoing_iq), NULL);
  xmpp_xmpp_stream_add_module (stream, module);
}

static void
connect_account (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GTlsDatabase) trusted = g_tls_file_database_new (opt_ca, &error);
  gpointer database = dino_database_new (":memory:");
  Jid *bare = error ? NULL : xmpp_jid_new (opt_jid, &error);
  gpointer modules;

  if (!bare)
    fail ("cannot start", error);
  g_tls_backend_set_default_database (g_tls_backend_get_default (), trusted);
  stream = xmpp_start_tls_xmpp_stream_new (
    xmpp_jid_get_domain_jid (bare), opt_host, (guint16) opt_port,
    xmpp_tls_xmpp_stream_on_invalid_cert_wrapper_new (refuse_certificate, NULL, NULL));
  if (opt_log)
    stream->log = xmpp_xmpp_log_new (opt_jid, opt_log);
  g_signal_connect (stream, "stream-negotiated", G_CALLBACK (on_negotiated), NULL);

  modules = dino_module_manager_get_modules (
    dino_module_manager_new (database), dino_entities_account_new (bare, NULL, opt_password, NULL), NULL);
  for (int i = 0; i < gee_collection_get_size (modules); i++)
    add_module (gee_list_get (modules, i));
  /* Its entity information service adds this one. */
  add_module (xmpp_xep_entity_capabilities_module_new (dino_entity_capabilities_storage_new (database)));
  xmpp_xmpp_stream_connect (stream, on_connected, NULL);
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) input = g_unix_input_stream_new (0, FALSE);
  g_autoptr (GDataInputStream) lines = g_data_input_stream_new (input);
  g_autofree char *reason = NULL;

  setlocale (LC_ALL, "");
  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    fail ("options", error);
  if (!opt_jid || !opt_password || !opt_host || !opt_ca || !opt_directory || opt_port <= 0
      || opt_port > G_MAXUINT16)
    {
      g_printerr ("--jid, --password, --host, --port, --ca and --directory are needed\n");
      return EXIT_FAILURE;
    }
  if (!dino_load (&reason))
    {
      g_autofree char *text = json (reason);

      g_print ("{\"event\": \"skip\", \"reason\": %s}\n", text);
      return EXIT_SKIPPED;
    }
  loop = g_main_loop_new (NULL, FALSE);
  connect_account ();
  g_data_input_stream_read_line_async (lines, G_PRIORITY_DEFAULT, NULL, on_line, NULL);
  g_main_loop_run (loop);
  return EXIT_SUCCESS;
}
