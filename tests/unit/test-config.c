/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "core/config.h"
#include "expect-log.h"
#include "temp-tree.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

typedef struct
{
  char *directory;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->directory = g_dir_make_tmp ("fardel-config-XXXXXX", NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  remove_tree (f->directory);
  g_free (f->directory);
}

static void
write_file (Fixture *f, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (f->directory, name, NULL);
  g_autofree char *parent = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (parent, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static char *
read_file (Fixture *f, const char *name)
{
  g_autofree char *path = g_build_filename (f->directory, name, NULL);
  char *text;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  return text;
}

static guint
mode_of (Fixture *f, const char *name)
{
  g_autofree char *path = g_build_filename (f->directory, name, NULL);
  GStatBuf st;

  g_assert_cmpint (g_stat (path, &st), ==, 0);
  return st.st_mode & 07777;
}

static void
test_defaults (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FdConfig) config = fd_config_load (f->directory, &error);

  g_assert_no_error (error);
  g_assert_true (g_path_is_absolute (config->download_folder));
  g_assert_cmpuint (config->max_active, ==, 4);
  g_assert_false (config->accept_from_strangers);
  g_assert_cmpuint (g_strv_length (config->allow_apps), ==, 0);
}

static void
test_main_round_trip (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FdConfig) config = NULL;
  g_autoptr (FdConfig) again = NULL;
  g_autofree char *text = NULL;

  write_file (
    f, "fardel.conf",
    "# by hand\n[Fardel]\n# where things go\nDownloadFolder=/srv/in box\nAllowApps=org.a.A;org.b.B;\n");
  config = fd_config_load (f->directory, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (config->download_folder, ==, "/srv/in box");
  g_assert_cmpstr (config->allow_apps[1], ==, "org.b.B");

  config->max_active = 9;
  g_assert_true (fd_config_save (f->directory, config, &error));
  text = read_file (f, "fardel.conf");
  g_assert_nonnull (strstr (text, "# by hand"));
  g_assert_nonnull (strstr (text, "# where things go\nDownloadFolder=/srv/in box\n"));
  g_assert_null (strstr (text, "AcceptFromStrangers")); /* still the default, still not there */
  g_assert_cmpuint (mode_of (f, "fardel.conf"), ==, 0600);

  again = fd_config_load (f->directory, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (again->max_active, ==, 9);
  g_assert_cmpstr (again->download_folder, ==, "/srv/in box");
  g_assert_cmpuint (g_strv_length (again->allow_apps), ==, 2);
}

static void
test_main_bad (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *text;
    const char *named; /* in the message */
  } rows[] = {
    { "[Fardel]\nMaxActiveTransfers=0\n", "[Fardel] MaxActiveTransfers" },
    { "[Fardel]\nMaxActiveTransfers=65\n", "[Fardel] MaxActiveTransfers" },
    { "[Fardel]\nMaxActiveTransfers=4x\n", "[Fardel] MaxActiveTransfers" },
    { "[Fardel]\nMaxActiveTransfers=-1\n", "[Fardel] MaxActiveTransfers" },
    { "[Fardel]\nDownloadFolder=Downloads\n", "[Fardel] DownloadFolder" },
    { "[Fardel]\nAcceptFromStrangers=maybe\n", "[Fardel] AcceptFromStrangers" },
    { "[Fardel]\nPassword=x\n", "[Fardel] Password" },
    { "[Other]\npassword=x\n", "[Other] password" },
    { "no key file\n", "fardel.conf" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;

      write_file (f, "fardel.conf", rows[i].text);
      g_assert_null (fd_config_load (f->directory, &error));
      g_assert_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION);
      g_assert_nonnull (strstr (error->message, rows[i].named));
      g_assert_nonnull (strstr (error->message, "fardel.conf"));
      g_assert_null (strstr (error->message, "=x"));
      fd_test_assert_logged (strstr (rows[i].text, "[Other]") ? "*unknown group [Other] is ignored*" : "");
    }
}

static void
test_main_refuses_to_save (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FdConfig) config = fd_config_load (f->directory, NULL);

  config->max_active = 65;
  g_assert_false (fd_config_save (f->directory, config, &error));
  g_assert_error (error, FD_ERROR, FD_ERROR_INVALID_OPTION);
}

static FdAccountConfig *
load_only_account (Fixture *f)
{
  g_autoptr (GPtrArray) accounts = fd_config_load_accounts (f->directory, NULL);

  g_assert_cmpuint (accounts->len, ==, 1);
  return fd_account_config_copy (accounts->pdata[0]);
}

static void
test_account_round_trip (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FdAccountConfig) config = NULL;
  g_autoptr (FdAccountConfig) again = NULL;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autofree char *changed = NULL;

  write_file (
    f, "accounts.d/home.conf",
    "[Account]\n# "
    "mine\nJid=Alice@Example.ORG\nEnabled=false\nServer=xmpp.example.org\nPort=5223\nTls=direct\n"
    "CaFile=/etc/ca.pem\nClientCertificate=/home/me.pem\nClientKey=/home/me.key\n"
    "PinSha256=0F1E2D3C4B5A69788796A5B4C3D2E1F00F1E2D3C4B5A69788796A5B4C3D2:E1:F0\nResource="
    "desk\nPasswordCommand=pass show \"xmpp alice\"\n"
    "ProxyJids=proxy.example.org\nAutoAccept=Bob@example.org;carol@example.org\n"
    "AutoAcceptMaxSize=1000\nAutoAcceptFolder=/in\nStrangers=hold\nRelayOnly=true\nAllowLoopback=true\nOwner=4294967293\n");
  config = load_only_account (f);
  g_assert_cmpstr (config->id, ==, "home");
  g_assert_cmpstr (config->client.jid, ==, "alice@example.org");
  g_assert_false (config->enabled);
  g_assert_cmpstr (config->client.server, ==, "xmpp.example.org");
  g_assert_cmpuint (config->client.port, ==, 5223);
  g_assert_cmpint (config->client.tls, ==, FD_TLS_DIRECT);
  g_assert_cmpstr (config->client.ca_file, ==, "/etc/ca.pem");
  g_assert_cmpstr (config->client.client_certificate, ==, "/home/me.pem");
  g_assert_cmpstr (config->client.client_key, ==, "/home/me.key");
  g_assert_cmpstr (config->client.pin, ==,
                   "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0");
  g_assert_cmpstr (config->client.resource, ==, "desk");
  g_assert_cmpuint (g_strv_length (config->password_command), ==, 3);
  g_assert_cmpstr (config->password_command[2], ==, "xmpp alice");
  g_assert_cmpstr (config->proxy_jids[0], ==, "proxy.example.org");
  g_assert_cmpstr (config->auto_accept[0], ==, "bob@example.org");
  g_assert_cmpuint (config->auto_accept_max, ==, 1000);
  g_assert_cmpstr (config->auto_accept_folder, ==, "/in");
  g_assert_cmpint (config->strangers, ==, FD_STRANGERS_HOLD);
  g_assert_true (config->relay_only);
  g_assert_true (config->allow_loopback);
  g_assert_cmpuint (config->owner, ==, 4294967293);

  g_assert_true (fd_config_save_account (f->directory, config, &error));
  before = read_file (f, "accounts.d/home.conf");
  g_assert_true (fd_config_save_account (f->directory, config, &error));
  after = read_file (f, "accounts.d/home.conf");
  g_assert_cmpstr (before, ==, after);
  g_assert_nonnull (strstr (after, "# mine\nJid=alice@example.org\n"));
  g_assert_nonnull (strstr (after, "PasswordCommand=pass show \"xmpp alice\"\n")); /* as it was written */
  g_assert_cmpuint (mode_of (f, "accounts.d/home.conf"), ==, 0600);

  g_strfreev (config->password_command);
  config->password_command = g_strsplit ("echo|it's $HOME", "|", -1);
  g_clear_pointer (&config->client.server, g_free);
  g_clear_pointer (&config->auto_accept_folder, g_free);
  config->strangers = FD_STRANGERS_DEFAULT;
  g_assert_true (fd_config_save_account (f->directory, config, &error));
  again = load_only_account (f);
  g_assert_cmpstr (again->password_command[1], ==, "it's $HOME");
  g_assert_null (again->client.server);
  changed = read_file (f, "accounts.d/home.conf");
  g_assert_null (strstr (changed, "Server="));
  g_assert_nonnull (strstr (changed, "ClientCertificate=/home/me.pem\nClientKey=/home/me.key\n"));
  g_assert_null (strstr (changed, "AutoAcceptFolder="));
  g_assert_null (strstr (changed, "Strangers="));
  g_assert_nonnull (strstr (changed, "RelayOnly=true"));
  g_assert_nonnull (strstr (changed, "Owner=4294967293"));
}

static void
test_account_new_file (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FdAccountConfig) config = g_new0 (FdAccountConfig, 1);
  g_autofree char *text = NULL;

  config->id = g_strdup ("new");
  config->enabled = TRUE;
  config->client.jid = g_strdup ("a@b.example");
  config->proxy_jids = g_new0 (char *, 1);
  config->auto_accept = g_new0 (char *, 1);
  g_assert_true (fd_config_save_account (f->directory, config, &error));
  text = read_file (f, "accounts.d/new.conf");
  g_assert_cmpstr (g_strstrip (text), ==, "[Account]\nJid=a@b.example");
  g_assert_cmpuint (mode_of (f, "accounts.d"), ==, 0700);
  g_assert_true (fd_config_has_account (f->directory, "new"));
  g_assert_true (fd_config_remove_account (f->directory, "new", &error));
  g_assert_false (fd_config_has_account (f->directory, "new"));
  g_assert_true (fd_config_remove_account (f->directory, "new", &error)); /* it is gone, as wished */
}

static void
test_account_bad (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *text;
    const char *warning;
  } rows[] = {
    { "[Account]\nServer=x\n", "*x.conf: [Account] Jid: is missing*" },
    { "[Account]\nJid=nobody\n", "*x.conf: [Account] Jid:*" },
    { "[Account]\nJid=a@b/c\n", "*x.conf: [Account] Jid:*" },
    { "[Account]\nJid=a@b\nPort=65536\n", "*x.conf: [Account] Port: must be a number from 0 to 65535*" },
    { "[Account]\nJid=a@b\nTls=none\n", "*x.conf: [Account] Tls: \"none\" is neither starttls nor direct*" },
    { "[Account]\nJid=a@b\nPinSha256=0f:1e\n", "*x.conf: [Account] PinSha256: \"0f:1e\" is no SHA-256*" },
    { "[Account]\nJid=a@b\nCaFile=ca.pem\n",
      "*x.conf: [Account] CaFile: \"ca.pem\" is not an absolute path*" },
    { "[Account]\nJid=a@b\nClientCertificate=me.pem\n",
      "*x.conf: [Account] ClientCertificate: \"me.pem\" is not an absolute path*" },
    { "[Account]\nJid=a@b\nClientKey=/me.key\n", "*x.conf: [Account] ClientKey: there is no*" },
    { "[Account]\nJid=a@b\nAutoAcceptFolder=in\n", "*x.conf: [Account] AutoAcceptFolder: \"in\" is not*" },
    { "[Account]\nJid=a@b\nAutoAcceptMaxSize=1M\n",
      "*x.conf: [Account] AutoAcceptMaxSize: must be a number*" },
    { "[Account]\nJid=a@b\nStrangers=ask\n",
      "*x.conf: [Account] Strangers: \"ask\" is neither decline nor hold*" },
    { "[Account]\nJid=a@b\nPasswordCommand='open\n", "*x.conf: [Account] PasswordCommand:*" },
    { "[Account]\nJid=a@b\nAutoAccept=a@b/c\n", "*x.conf: [Account] AutoAccept:*" },
    { "[Account]\nJid=a@b\nEnabled=perhaps\n", "*x.conf: [Account] Enabled: must be true or false*" },
    { "[Account]\nJid=a@b\nPassword=secret\n", "*x.conf: [Account] Password: passwords are not kept*" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GPtrArray) accounts = NULL;
      g_autoptr (GError) problem = NULL;

      write_file (f, "accounts.d/x.conf", rows[i].text);
      accounts = fd_config_load_accounts (f->directory, &problem);
      g_assert_error (problem, FD_ERROR, FD_ERROR_INVALID_OPTION);
      fd_test_assert_logged (rows[i].warning);
      g_assert_cmpuint (accounts->len, ==, 0);
    }
}

static void
test_account_warnings (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) accounts = NULL;

  write_file (f, "accounts.d/b.conf", "[Account]\nJid=b@b.example\n");
  write_file (f, "accounts.d/a.conf", "[Account]\nJid=a@b.example\nJidd=oops\n");
  write_file (f, "accounts.d/Upper.conf", "[Account]\nJid=a@b.example\n");
  write_file (f, "accounts.d/notes.txt", "anything");
  accounts = fd_config_load_accounts (f->directory, NULL);
  fd_test_assert_logged ("*Upper.conf is ignored*\n*a.conf: unknown key Jidd is ignored*");
  g_assert_cmpuint (accounts->len, ==, 2);
  g_assert_cmpstr (((FdAccountConfig *) accounts->pdata[0])->id, ==, "a"); /* sorted */
  g_assert_cmpstr (((FdAccountConfig *) accounts->pdata[1])->id, ==, "b");
}

static void
test_account_limit (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) accounts = NULL;

  for (guint i = 0; i <= FD_MAX_ACCOUNTS; i++)
    {
      g_autofree char *name = g_strdup_printf ("accounts.d/a%02u.conf", i);

      write_file (f, name, "[Account]\nJid=a@b.example\n");
    }
  accounts = fd_config_load_accounts (f->directory, NULL);
  fd_test_assert_logged ("*a32.conf and those after it are ignored*");
  g_assert_cmpuint (accounts->len, ==, FD_MAX_ACCOUNTS);
}

static void
test_ids (void)
{
  g_assert_true (fd_account_id_is_valid ("a"));
  g_assert_true (fd_account_id_is_valid ("home_2"));
  g_assert_true (fd_account_id_is_valid ("abcdefghijklmnopqrstuvwxyz_01234"));
  g_assert_false (fd_account_id_is_valid (""));
  g_assert_false (fd_account_id_is_valid ("Home"));
  g_assert_false (fd_account_id_is_valid ("../x"));
  g_assert_false (fd_account_id_is_valid ("a-b"));
  g_assert_false (fd_account_id_is_valid ("abcdefghijklmnopqrstuvwxyz_012345"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  fd_test_capture_log ();
#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)
  ADD ("/config/defaults", test_defaults);
  ADD ("/config/main/round-trip", test_main_round_trip);
  ADD ("/config/main/bad", test_main_bad);
  ADD ("/config/main/refuses-to-save", test_main_refuses_to_save);
  ADD ("/config/account/round-trip", test_account_round_trip);
  ADD ("/config/account/new-file", test_account_new_file);
  ADD ("/config/account/bad", test_account_bad);
  ADD ("/config/account/warnings", test_account_warnings);
  ADD ("/config/account/limit", test_account_limit);
  g_test_add_func ("/config/ids", test_ids);
  return g_test_run ();
}
