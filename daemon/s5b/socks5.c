/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The SOCKS5 byte machines (RFC 1928). Greeting and request are never
 * pipelined: Prosody's proxy takes each read for one whole message. The
 * server's answer echoes the request byte by byte: Dino compares all of it.
 */
#include "s5b/socks5.h"

#include <string.h>

#define VERSION 5
#define NO_AUTHENTICATION 0
#define NO_METHOD 0xff
#define CONNECT 1
#define ATYP_V4 1
#define ATYP_NAME 3
#define ATYP_V6 4
#define REP_GRANTED 0
#define REP_FORBIDDEN 2
#define REP_NO_COMMAND 7
#define REP_NO_ATYP 8

enum
{
  CLIENT_METHOD, /* ver, method */
  CLIENT_REPLY, /* ver, rep */
  CLIENT_ATYP, /* … rsv, atyp, first byte of the address */
  CLIENT_REST,
  SERVER_METHODS, /* ver, number of methods */
  SERVER_METHOD_LIST,
  SERVER_REQUEST, /* ver, cmd, rsv, atyp, length */
  SERVER_REST,
};

/* What the reply codes of RFC 1928 §6 mean here. */
static const char *const reply_texts[] = {
  "granted",
  "SOCKS server failure",
  "not allowed",
  "network unreachable",
  "host unreachable",
  "refused",
  "TTL expired",
  "command not supported",
  "address type not supported",
};

static void
put (FdSocks5 *socks, const void *data, guint length)
{
  memcpy (socks->out, data, length);
  socks->out_length = length;
}

static FdSocks5Status
finish (FdSocks5 *socks, FdSocks5Status status, const char *reason)
{
  socks->reason = reason;
  socks->need = socks->have;
  return socks->status = status;
}

/* The next message starts: its first @need bytes are wanted. */
static FdSocks5Status
begin (FdSocks5 *socks, guint step, guint need)
{
  socks->step = step;
  socks->have = 0;
  socks->need = need;
  return socks->status = FD_SOCKS5_MORE;
}

/* The same message goes on until it has @need bytes. */
static FdSocks5Status
extend (FdSocks5 *socks, guint step, guint need)
{
  socks->step = step;
  socks->need = need;
  return FD_SOCKS5_MORE;
}

void
fd_socks5_client_init (FdSocks5 *socks, const char *dstaddr)
{
  static const guint8 greeting[] = { VERSION, 1, NO_AUTHENTICATION };

  memset (socks, 0, sizeof *socks);
  g_strlcpy (socks->dstaddr, dstaddr, sizeof socks->dstaddr);
  put (socks, greeting, sizeof greeting);
  begin (socks, CLIENT_METHOD, 2);
}

void
fd_socks5_server_init (FdSocks5 *socks)
{
  memset (socks, 0, sizeof *socks);
  socks->server = TRUE;
  begin (socks, SERVER_METHODS, 2);
}

/* A message with the dstaddr as its address, and port 0. */
static void
put_named (FdSocks5 *socks, guint8 code)
{
  guint8 length = strlen (socks->dstaddr);
  guint8 message[FD_SOCKS5_MAX_MESSAGE] = { VERSION, code, 0, ATYP_NAME, length };

  memcpy (message + 5, socks->dstaddr, length);
  put (socks, message, 5u + length + 2u);
}

static FdSocks5Status
client_step (FdSocks5 *socks)
{
  const guint8 *in = socks->in;

  switch (socks->step)
    {
    case CLIENT_METHOD:
      if (in[0] != VERSION)
        return finish (socks, FD_SOCKS5_FAILED, "not a SOCKS5 server");
      if (in[1] != NO_AUTHENTICATION)
        return finish (socks, FD_SOCKS5_FAILED, "wants authentication");
      put_named (socks, CONNECT);
      return begin (socks, CLIENT_REPLY, 2);
    case CLIENT_REPLY:
      if (in[0] != VERSION)
        return finish (socks, FD_SOCKS5_FAILED, "not a SOCKS5 server");
      /* A refusal may end here or anywhere: Prosody sends seven bytes. */
      if (in[1] != REP_GRANTED)
        return finish (socks, FD_SOCKS5_FAILED,
                       in[1] < G_N_ELEMENTS (reply_texts) ? reply_texts[in[1]] : "refused");
      return extend (socks, CLIENT_ATYP, 5);
    case CLIENT_ATYP:
      if (in[3] == ATYP_V4)
        return extend (socks, CLIENT_REST, 4 + 4 + 2);
      if (in[3] == ATYP_V6)
        return extend (socks, CLIENT_REST, 4 + 16 + 2);
      if (in[3] == ATYP_NAME)
        return extend (socks, CLIENT_REST, 5u + in[4] + 2u);
      return finish (socks, FD_SOCKS5_FAILED, "sent a malformed SOCKS5 reply");
    default:
      return finish (socks, FD_SOCKS5_DONE, NULL);
    }
}

static FdSocks5Status
server_refuse (FdSocks5 *socks, guint8 code, const char *reason)
{
  const guint8 reply[] = { VERSION, code, 0, ATYP_NAME, 0, 0, 0 };

  put (socks, reply, sizeof reply);
  return finish (socks, FD_SOCKS5_FAILED, reason);
}

static FdSocks5Status
server_step (FdSocks5 *socks)
{
  const guint8 *in = socks->in;

  switch (socks->step)
    {
    case SERVER_METHODS:
      if (in[0] != VERSION || in[1] == 0)
        return finish (socks, FD_SOCKS5_FAILED, "not a SOCKS5 client");
      return extend (socks, SERVER_METHOD_LIST, 2u + in[1]);
    case SERVER_METHOD_LIST:
      {
        gboolean offered = memchr (in + 2, NO_AUTHENTICATION, in[1]) != NULL;
        const guint8 reply[] = { VERSION, offered ? NO_AUTHENTICATION : NO_METHOD };

        put (socks, reply, sizeof reply);
        if (!offered)
          return finish (socks, FD_SOCKS5_FAILED, "insists on authentication");
        return begin (socks, SERVER_REQUEST, 5);
      }
    case SERVER_REQUEST:
      if (in[0] != VERSION)
        return finish (socks, FD_SOCKS5_FAILED, "not a SOCKS5 client");
      if (in[1] != CONNECT)
        return server_refuse (socks, REP_NO_COMMAND, "asks for another command than CONNECT");
      if (in[3] != ATYP_NAME)
        return server_refuse (socks, REP_NO_ATYP, "asks for an address instead of a hash");
      return extend (socks, SERVER_REST, 5u + in[4] + 2u);
    default:
      if (memchr (in + 5, '\0', in[4]))
        return server_refuse (socks, REP_FORBIDDEN, "asks for something that is no hash");
      memcpy (socks->dstaddr, in + 5, in[4]);
      socks->dstaddr[in[4]] = '\0';
      return finish (socks, FD_SOCKS5_ASK, NULL);
    }
}

gsize
fd_socks5_want (const FdSocks5 *socks)
{
  return socks->status == FD_SOCKS5_MORE && socks->out_length == 0 ? socks->need - socks->have : 0;
}

FdSocks5Status
fd_socks5_feed (FdSocks5 *socks, const guint8 *data, gsize length)
{
  g_return_val_if_fail (length <= fd_socks5_want (socks), FD_SOCKS5_FAILED);

  memcpy (socks->in + socks->have, data, length);
  socks->have += length;
  if (socks->have < socks->need)
    return FD_SOCKS5_MORE;
  return socks->server ? server_step (socks) : client_step (socks);
}

FdSocks5Status
fd_socks5_server_answer (FdSocks5 *socks, gboolean grant)
{
  g_return_val_if_fail (socks->status == FD_SOCKS5_ASK, FD_SOCKS5_FAILED);

  if (!grant)
    return server_refuse (socks, REP_FORBIDDEN, "asks for a stream that is not ours");
  memcpy (socks->out, socks->in, socks->have);
  socks->out[1] = REP_GRANTED;
  socks->out_length = socks->have;
  return finish (socks, FD_SOCKS5_DONE, NULL);
}

void
fd_socks5_written (FdSocks5 *socks, gsize length)
{
  g_return_if_fail (length <= socks->out_length);

  socks->out_length -= length;
  memmove (socks->out, socks->out + length, socks->out_length);
}
