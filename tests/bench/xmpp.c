/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A raw libstrophe client: the best that in-band bytestreams (XEP-0047) with a fixed window can do
 * through a server, and the activation of a proxy (XEP-0065) for the plain streams.
 *
 *   xmpp JID PASSWORD PORT CA-FILE send PEER PATH BLOCK WINDOW SECONDS
 *   xmpp JID PASSWORD PORT CA-FILE receive PATH
 *   xmpp JID PASSWORD PORT CA-FILE activate PROXY SID TARGET
 *
 * It says "ready" when it is logged in; sending and activating begin with a line on the standard input.
 * After SECONDS, if they are not 0, the sender sends no more.
 */
#include "end.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strophe.h>
#include <sys/socket.h>
#include <unistd.h>

#define NS_IBB "http://jabber.org/protocol/ibb"
#define NS_BYTESTREAMS "http://jabber.org/protocol/bytestreams"
#define LOOP_MS 1000 /* for libstrophe's own timers; whatever arrives ends the wait */
#define READS_PER_RECORD 4 /* of TLS, 16 KiB */

typedef struct
{
  xmpp_ctx_t *context;
  xmpp_conn_t *connection;
  char **words; /* the role and what follows */
  End end;
  gsize block, window, in_flight;
  guint16 seq;
  gint64 stop_at; /* 0: with the file */
  guint8 *raw;
  gboolean last, over;
} Client;

static int connection_fd; /* the callback has no other way to tell it */

static int
take_socket (xmpp_conn_t *connection, void *sock)
{
  connection_fd = *(int *) sock;
  return setsockopt (connection_fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof (int));
}

/* xmpp_run_once() waits for the socket although the rest of a TLS record is already in memory. So we
 * wait, and let it run as often as a record has reads, and once more for what handlers said. */
static void
run_once (Client *client)
{
  short out = xmpp_conn_send_queue_len (client->connection) > 0 ? POLLOUT : 0;
  struct pollfd fd = { connection_fd, POLLIN | out, 0 };

  poll (&fd, 1, LOOP_MS);
  fd.events = POLLIN;
  for (guint quiet = 0; quiet <= READS_PER_RECORD; quiet = poll (&fd, 1, 0) > 0 ? 0 : quiet + 1)
    {
      xmpp_run_once (client->context, 0);
      if (client->over)
        return;
    }
}

static void
send_block (Client *client)
{
  gsize n = 0;
  g_autofree char *base64 = NULL;
  g_autofree char *stanza = NULL;

  if (client->stop_at == 0 || g_get_monotonic_time () < client->stop_at)
    n = end_read (&client->end, client->raw, client->block);
  client->last = n == 0;
  if (client->last)
    return;
  base64 = g_malloc (n / 3 * 4 + 5);
  EVP_EncodeBlock ((guint8 *) base64, client->raw, n);
  stanza = g_strdup_printf ("<iq type='set' id='block%u' to='%s'><data xmlns='" NS_IBB
                            "' sid='bench' seq='%u'>%s</data></iq>",
                            client->seq, client->words[1], client->seq, base64);
  client->seq++;
  client->in_flight++;
  xmpp_send_raw (client->connection, stanza, strlen (stanza));
  end_hash (&client->end, client->raw, n);
}

static void
fill_window (Client *client)
{
  while (!client->last && client->in_flight < client->window)
    send_block (client);
  if (client->last && client->in_flight == 0)
    xmpp_send_raw_string (client->connection,
                          "<iq type='set' id='close' to='%s'><close xmlns='" NS_IBB "' sid='bench'/></iq>",
                          client->words[1]);
}

/* Others are libstrophe's. */
static void
on_answer (Client *client, const char *id)
{
  if (strcmp (id, "close") == 0 || strcmp (id, "activate") == 0)
    {
      client->over = TRUE;
      return;
    }
  if (strcmp (id, "open") == 0)
    end_begin (&client->end);
  else if (g_str_has_prefix (id, "block"))
    client->in_flight--;
  else
    return;
  fill_window (client);
}

static void
take_block (Client *client, xmpp_stanza_t *data)
{
  char *text = xmpp_stanza_get_text (data);
  gsize length = text ? strlen (text) : 0;
  int n = EVP_DecodeBlock ((guint8 *) text, (guint8 *) text, length);

  if (n <= 0)
    die ("base64");
  for (gsize i = 1; i <= 2 && text[length - i] == '='; i++)
    n--;
  end_write (&client->end, text, n);
  xmpp_free (client->context, text);
}

static void
on_request (Client *client, xmpp_stanza_t *stanza, const char *id)
{
  xmpp_stanza_t *child = xmpp_stanza_get_child_by_ns (stanza, NS_IBB);
  const char *name = child ? xmpp_stanza_get_name (child) : "";

  if (strcmp (name, "open") == 0)
    end_begin (&client->end);
  else if (strcmp (name, "data") == 0)
    take_block (client, child);
  else if (strcmp (name, "close") == 0)
    {
      end_publish (&client->end);
      client->over = TRUE;
    }
  else
    return;
  xmpp_send_raw_string (client->connection, "<iq type='result' id='%s' to='%s'/>", id,
                        xmpp_stanza_get_from (stanza));
}

static void
refuse (xmpp_stanza_t *stanza)
{
  char *text;
  size_t length;

  xmpp_stanza_to_text (stanza, &text, &length);
  errno = 0;
  die (text);
}

static int
on_iq (xmpp_conn_t *connection, xmpp_stanza_t *stanza, void *data)
{
  Client *client = data;
  const char *type = xmpp_stanza_get_type (stanza), *id = xmpp_stanza_get_id (stanza);

  if (strcmp (type, "set") == 0)
    on_request (client, stanza, id);
  else if (strcmp (type, "result") == 0)
    on_answer (client, id);
  else if (strcmp (type, "error") == 0)
    refuse (stanza);
  return 1;
}

/* The driver says when. */
static void
begin (Client *client)
{
  char **words = client->words;
  const char *role = words[0];

  tell ("ready");
  if (strcmp (role, "receive") == 0)
    return;
  getchar ();
  if (strcmp (role, "activate") == 0)
    {
      xmpp_send_raw_string (client->connection,
                            "<iq type='set' id='activate' to='%s'><query xmlns='" NS_BYTESTREAMS
                            "' sid='%s'><activate>%s</activate></query></iq>",
                            words[1], words[2], words[3]);
      return;
    }
  if (strtod (words[5], NULL) > 0)
    client->stop_at = g_get_monotonic_time () + (gint64) (strtod (words[5], NULL) * 1e6);
  xmpp_send_raw_string (client->connection,
                        "<iq type='set' id='open' to='%s'><open xmlns='" NS_IBB
                        "' sid='bench' block-size='%s' stanza='iq'/></iq>",
                        words[1], words[3]);
}

static void
on_connection (xmpp_conn_t *connection, xmpp_conn_event_t event, int error, xmpp_stream_error_t *stream_error,
               void *data)
{
  Client *client = data;

  if (client->over)
    return;
  if (event != XMPP_CONN_CONNECT)
    {
      errno = error;
      die ("The connection ended");
    }
  xmpp_handler_add (connection, on_iq, NULL, "iq", NULL, client);
  begin (client);
}

static void
prepare (Client *client)
{
  if (strcmp (client->words[0], "send") == 0)
    {
      end_open_source (&client->end, client->words[2]);
      client->block = strtoull (client->words[3], NULL, 10);
      client->window = strtoull (client->words[4], NULL, 10);
      client->raw = g_malloc (client->block);
    }
  else if (strcmp (client->words[0], "receive") == 0)
    {
      end_open_target (&client->end, client->words[1]);
    }
}

int
main (int argc, char **argv)
{
  Client client = { 0 };

  if (argc < 7)
    {
      fprintf (stderr, "usage: %s JID PASSWORD PORT CA-FILE send|receive|activate …\n", argv[0]);
      return 2;
    }
  client.words = argv + 5;
  prepare (&client);
  xmpp_initialize ();
  client.context = xmpp_ctx_new (NULL, NULL);
  client.connection = xmpp_conn_new (client.context);
  xmpp_conn_set_jid (client.connection, argv[1]);
  xmpp_conn_set_pass (client.connection, argv[2]);
  xmpp_conn_set_cafile (client.connection, argv[4]);
  xmpp_conn_set_flags (client.connection, XMPP_CONN_FLAG_MANDATORY_TLS | XMPP_CONN_FLAG_DISABLE_SM);
  xmpp_conn_set_sockopt_callback (client.connection, take_socket);
  if (xmpp_connect_client (client.connection, "127.0.0.1", atoi (argv[3]), on_connection, &client) < 0)
    die ("connect");
  while (!client.over)
    run_once (&client);
  xmpp_run_once (client.context, 0); /* what was said last */
  if (client.end.hash)
    end_report (&client.end);
  g_free (client.raw);
  xmpp_conn_release (client.connection);
  xmpp_ctx_free (client.context);
  xmpp_shutdown ();
  return 0;
}
