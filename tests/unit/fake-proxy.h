/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * For tests: a SOCKS5 bytestreams proxy as strict as Prosody's. It wants
 * greeting and request in one read each, pairs sockets by hash, and passes
 * bytes on only after fake_proxy_activate().
 */
#pragma once

#include "loopback.h"

#include <glib-unix.h>

#define FAKE_PROXY_MESSAGE 47

typedef struct FakeProxy FakeProxy;

typedef struct
{
  FakeProxy *proxy;
  int fd;
  guint watch;
  gboolean greeted;
  char hash[41];
} FakeProxyClient;

struct FakeProxy
{
  int fd;
  guint16 port;
  guint watch;
  GPtrArray *clients; /* FakeProxyClient */
};

static inline void
fake_proxy_client_free (gpointer data)
{
  FakeProxyClient *client = data;

  g_clear_handle_id (&client->watch, g_source_remove);
  close (client->fd);
  g_free (client);
}

static inline gboolean
fake_proxy_on_message (int fd, GIOCondition condition, gpointer data)
{
  FakeProxyClient *client = data;
  char message[64];
  gssize n = recv (fd, message, sizeof message, 0);

  if (!client->greeted && n == 3 && memcmp (message, "\x05\x01\x00", 3) == 0)
    {
      client->greeted = TRUE;
      put_bytes (fd, "\x05\x00", 2);
      return G_SOURCE_CONTINUE;
    }
  client->watch = 0;
  if (client->greeted && n == FAKE_PROXY_MESSAGE)
    {
      memcpy (client->hash, message + 5, 40);
      message[1] = 0;
      put_bytes (fd, message, FAKE_PROXY_MESSAGE);
    }
  return G_SOURCE_REMOVE;
}

static inline gboolean
fake_proxy_on_connection (int fd, GIOCondition condition, gpointer data)
{
  FakeProxy *proxy = data;
  FakeProxyClient *client = g_new0 (FakeProxyClient, 1);

  client->proxy = proxy;
  client->fd = accept4 (fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  client->watch = g_unix_fd_add (client->fd, G_IO_IN, fake_proxy_on_message, client);
  g_ptr_array_add (proxy->clients, client);
  return G_SOURCE_CONTINUE;
}

static inline gboolean
fake_proxy_on_data (int fd, GIOCondition condition, gpointer data)
{
  FakeProxyClient *to = data;
  char buffer[4096];
  gssize n = recv (fd, buffer, sizeof buffer, 0);

  if (n > 0)
    {
      put_bytes (to->fd, buffer, n);
      return G_SOURCE_CONTINUE;
    }
  for (guint i = 0; i < to->proxy->clients->len; i++)
    {
      FakeProxyClient *from = to->proxy->clients->pdata[i];

      if (from->fd == fd)
        from->watch = 0;
    }
  shutdown (to->fd, SHUT_WR);
  return G_SOURCE_REMOVE;
}

/* FALSE unless exactly two sockets have this hash. */
static inline gboolean
fake_proxy_activate (FakeProxy *proxy, const char *hash)
{
  FakeProxyClient *pair[2];
  guint n = 0;

  for (guint i = 0; i < proxy->clients->len; i++)
    {
      FakeProxyClient *client = proxy->clients->pdata[i];

      if (!g_str_equal (client->hash, hash))
        continue;
      if (n < 2)
        pair[n] = client;
      n++;
    }
  if (n != 2)
    return FALSE;
  for (guint i = 0; i < 2; i++)
    pair[i]->watch = g_unix_fd_add (pair[i]->fd, G_IO_IN, fake_proxy_on_data, pair[1 - i]);
  return TRUE;
}

static inline void
fake_proxy_drop_clients (FakeProxy *proxy)
{
  g_ptr_array_set_size (proxy->clients, 0);
}

static inline void
fake_proxy_init (FakeProxy *proxy)
{
  proxy->fd = loopback_listen (&proxy->port);
  proxy->watch = g_unix_fd_add (proxy->fd, G_IO_IN, fake_proxy_on_connection, proxy);
  proxy->clients = g_ptr_array_new_with_free_func (fake_proxy_client_free);
}

static inline void
fake_proxy_clear (FakeProxy *proxy)
{
  g_ptr_array_unref (proxy->clients);
  g_source_remove (proxy->watch);
  close (proxy->fd);
}
