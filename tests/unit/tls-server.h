/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * For tests: a server on a thread of its own, with a self-signed certificate
 * that it makes at the start. What it does with each connection is the test's.
 */
#pragma once

#include <glib.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct TlsServer TlsServer;

struct TlsServer
{
  int listener;
  guint16 port;
  SSL_CTX *ctx;
  char *pem; /* file with the certificate */
  guint connections;
  /* On the thread, with a blocking socket that is closed afterwards. */
  void (*serve) (TlsServer *server, int fd);
  gpointer data;
  GThread *thread;
};

/* Reads until @end was seen; FALSE at the end of the connection. */
static inline gboolean
tls_server_expect (int fd, const char *end)
{
  g_autoptr (GString) seen = g_string_new (NULL);
  char byte;

  while (!strstr (seen->str, end))
    {
      if (recv (fd, &byte, 1, 0) != 1)
        return FALSE;
      g_string_append_c (seen, byte);
    }
  return TRUE;
}

static inline void
tls_server_say (int fd, const char *text)
{
  g_assert_cmpint (send (fd, text, strlen (text), MSG_NOSIGNAL), ==, strlen (text));
}

/* The handshake; NULL if it fails. SSL_free(). */
static inline SSL *
tls_server_accept (TlsServer *server, int fd)
{
  SSL *ssl = SSL_new (server->ctx);

  SSL_set_fd (ssl, fd);
  if (SSL_accept (ssl) == 1)
    return ssl;
  SSL_free (ssl);
  return NULL;
}

static inline gpointer
tls_server_run (gpointer data)
{
  TlsServer *server = data;
  int fd;

  while ((fd = accept (server->listener, NULL, NULL)) >= 0)
    {
      server->connections++;
      server->serve (server, fd);
      close (fd);
    }
  return NULL;
}

static inline X509 *
tls_server_make_certificate (EVP_PKEY *key, const char *name)
{
  X509 *certificate = X509_new ();
  g_autofree char *names = g_strconcat ("DNS:", name, NULL);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid (NULL, NULL, NID_subject_alt_name, names);

  X509_set_version (certificate, X509_VERSION_3);
  ASN1_INTEGER_set (X509_get_serialNumber (certificate), 1);
  X509_gmtime_adj (X509_getm_notBefore (certificate), -3600);
  X509_gmtime_adj (X509_getm_notAfter (certificate), 3600);
  X509_NAME_add_entry_by_txt (X509_get_subject_name (certificate), "CN", MBSTRING_ASC,
                              (const guchar *) "fardel test", -1, -1, 0);
  X509_set_issuer_name (certificate, X509_get_subject_name (certificate));
  X509_set_pubkey (certificate, key);
  X509_add_ext (certificate, extension, -1);
  X509_EXTENSION_free (extension);
  X509_sign (certificate, key, EVP_sha256 ());
  return certificate;
}

/* @name: what the certificate is for. */
static inline void
tls_server_start (TlsServer *server, const char *name, void (*serve) (TlsServer *, int), gpointer data)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof address;
  EVP_PKEY *key = EVP_EC_gen ("P-256");
  X509 *certificate = tls_server_make_certificate (key, name);
  FILE *file;

  *server = (TlsServer){ .serve = serve, .data = data };
  server->ctx = SSL_CTX_new (TLS_server_method ());
  SSL_CTX_use_certificate (server->ctx, certificate);
  SSL_CTX_use_PrivateKey (server->ctx, key);
  server->pem = g_strdup_printf ("%s/fardel-%d.pem", g_get_tmp_dir (), getpid ());
  file = fopen (server->pem, "w");
  g_assert_nonnull (file);
  PEM_write_X509 (file, certificate);
  fclose (file);
  X509_free (certificate);
  EVP_PKEY_free (key);

  server->listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_no_errno (bind (server->listener, (struct sockaddr *) &address, sizeof address));
  g_assert_no_errno (listen (server->listener, 8));
  getsockname (server->listener, (struct sockaddr *) &address, &length);
  server->port = ntohs (address.sin_port);
  server->thread = g_thread_new ("tls-server", tls_server_run, server);
}

static inline void
tls_server_stop (TlsServer *server)
{
  shutdown (server->listener, SHUT_RDWR);
  g_thread_join (server->thread);
  close (server->listener);
  unlink (server->pem);
  g_free (server->pem);
  SSL_CTX_free (server->ctx);
}
