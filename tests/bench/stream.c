/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The plain best of this machine: a loop of read, send, hash in one process and of receive, hash, write
 * in another, over one TCP connection with the kernel's own buffer sizes, or over two to a SOCKS5 proxy
 * (XEP-0065).
 *
 *   stream send PATH BUFFER PORT [HASH]
 *   stream receive PATH BUFFER SIZE [PORT HASH]
 *
 * With a hash it connects to the proxy at the port. It says "port N" or "ready", and the sender begins
 * with a line on its standard input.
 */
#include "end.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
receive_exactly (int fd, void *buffer, gsize length)
{
  if (recv (fd, buffer, length, MSG_WAITALL) != (gssize) length)
    die ("recv");
}

static void
send_all (int fd, const void *data, gsize length)
{
  for (gsize done = 0; done < length;)
    {
      ssize_t n = send (fd, (const char *) data + done, length - done, MSG_NOSIGNAL);

      if (n < 0)
        die ("send");
      done += n;
    }
}

/* RFC 1928, the address is the hash. */
static int
connect_proxy (const char *port, const char *hash)
{
  int fd = end_connect (atoi (port));
  guint8 length = strlen (hash);
  guint8 request[5 + 255 + 2] = { 5, 1, 0, 3, length };
  guint8 reply[sizeof request];

  send_all (fd, "\5\1\0", 3);
  receive_exactly (fd, reply, 2);
  memcpy (request + 5, hash, length);
  send_all (fd, request, 5 + length + 2);
  receive_exactly (fd, reply, 5 + length + 2);
  if (reply[1] != 0)
    die ("The proxy refused");
  return fd;
}

static void
send_file (int fd, End *end, char *buffer, gsize size)
{
  gsize n;
  char confirmation;

  end_begin (end);
  while ((n = end_read (end, buffer, size)) > 0)
    {
      send_all (fd, buffer, n);
      end_hash (end, buffer, n); /* while the other end has something to do */
    }
  /* A proxy of Prosody keeps the last bytes for itself until it reads the end; it ends the other direction
   * as well then, so what comes back is one byte or nothing. */
  shutdown (fd, SHUT_WR);
  if (recv (fd, &confirmation, 1, 0) < 0 && errno != ECONNRESET)
    die ("recv");
}

/* A full buffer if there is that much already, as few calls as possible. */
static gsize
receive_some (int fd, char *buffer, gsize wanted)
{
  ssize_t n = recv (fd, buffer, wanted, 0);
  gsize got = MAX (n, 0);

  if (n <= 0)
    die ("recv");
  while (got < wanted && (n = recv (fd, buffer + got, wanted - got, MSG_DONTWAIT)) > 0)
    got += n;
  return got;
}

static void
receive_file (int fd, End *end, guint64 length, char *buffer, gsize size)
{
  end_begin (end);
  while (end->bytes < length)
    end_write (end, buffer, receive_some (fd, buffer, MIN (size, length - end->bytes)));
  end_publish (end);
  send (fd, "", 1, MSG_NOSIGNAL);
}

int
main (int argc, char **argv)
{
  gboolean sending = argc >= 5 && strcmp (argv[1], "send") == 0;
  End end = { 0 };
  gsize size = argc >= 5 ? strtoull (argv[3], NULL, 10) : 0;
  char *buffer;
  int fd;

  if (size == 0)
    {
      fprintf (stderr, "usage: %s send|receive PATH BUFFER …\n", argv[0]);
      return 2;
    }
  buffer = g_aligned_alloc (1, size, 4096);
  if (sending)
    {
      end_open_source (&end, argv[2]);
      fd = argc > 5 ? connect_proxy (argv[4], argv[5]) : end_connect (atoi (argv[4]));
      tell ("ready");
      getchar ();
      send_file (fd, &end, buffer, size);
    }
  else
    {
      end_open_target (&end, argv[2]);
      if (argc > 6)
        {
          fd = connect_proxy (argv[5], argv[6]);
          tell ("ready");
        }
      else
        {
          guint16 port;
          int listener = end_listen (&port);

          tell ("port %u", port);
          fd = accept (listener, NULL, NULL);
        }
      receive_file (fd, &end, strtoull (argv[4], NULL, 10), buffer, size);
    }
  end_report (&end);
  g_aligned_free (buffer);
  return 0;
}
