/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What all parts of fardelctl share: its state, its exit codes, calls to the
 * daemon, and the table of commands. fardelctl knows of the daemon only what
 * the introspection XML says.
 */
#pragma once

#include <glib.h>
#include <glib/gi18n.h>
#include <stdio.h>
#include <systemd/sd-bus.h>

#define CTL_SERVICE "org.fardel.Fardel1"
#define CTL_ROOT "/org/fardel/Fardel1"
#define CTL_MANAGER "org.fardel.Fardel1.Manager"
#define CTL_ACCOUNT "org.fardel.Fardel1.Account"
#define CTL_TRANSFER "org.fardel.Fardel1.Transfer"

G_DEFINE_AUTOPTR_CLEANUP_FUNC (sd_bus_message, sd_bus_message_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (sd_bus_slot, sd_bus_slot_unref)

/* Documented in --help; scripts depend on them. */
typedef enum
{
  CTL_OK = 0,
  CTL_FAILED = 1, /* the daemon refused, or something local went wrong */
  CTL_USAGE = 2,
  CTL_NO_DAEMON = 3,
  CTL_TRANSFER_FAILED = 4,
  CTL_TRANSFER_REJECTED = 5,
  CTL_TRANSFER_CANCELLED = 6,
  CTL_TIMEOUT = 7,
  CTL_INTERRUPTED = 130, /* as shells do for SIGINT */
} CtlExit;

typedef struct CtlCommand CtlCommand;

typedef struct
{
  const CtlCommand *command; /* that runs */
  sd_bus *bus; /* NULL until the first call */
  FILE *out; /* results; standard error while standard output carries a file */
  gboolean json;
  gboolean system; /* the daemon of the system bus, not of the session */
  /* Set while the shell completes a command line: nothing is printed or started,
   * and a command is run to hand its options to it. */
  void (*take_options) (const GOptionEntry *entries);
} Ctl;

struct CtlCommand
{
  const char *name; /* one or two words */
  const char *arguments; /* for the usage line */
  const char *summary;
  CtlExit (*run) (Ctl *ctl, int argc, char **argv); /* argv[0] is the command's last word */
  const char *json; /* what --json prints, for --help; NULL: nothing */
};

/* account add, which has a file of its own. */
CtlExit ctl_account_add (Ctl *ctl, int argc, char **argv);

/* Each ends with an entry of NULLs. */
extern const CtlCommand ctl_account_commands[];
extern const CtlCommand ctl_daemon_commands[];
extern const CtlCommand ctl_limit_commands[];
extern const CtlCommand ctl_send_commands[];
extern const CtlCommand ctl_transfer_commands[];
extern const CtlCommand ctl_wait_commands[];
extern const CtlCommand ctl_peer_commands[];

/* The tables of commands, to the NULL. */
extern const CtlCommand *const ctl_groups[];
/* The command that @argv begins with; NULL if there is none. */
const CtlCommand *ctl_find_command (int argc, char **argv, int *ret_words);

/* What "fardelctl complete WORD..." prints for the word that is typed last. Returns the exit code. */
CtlExit ctl_complete (Ctl *ctl, int argc, char **argv);

/* Parses the options of a command (@entries may be NULL) and --json; what is
 * left in argv after [0] are @min to @max arguments (@max -1: any number). If
 * not, says so and returns FALSE: the command returns CTL_USAGE. */
gboolean ctl_parse (Ctl *ctl, const GOptionEntry *entries, int *argc, char ***argv, int min, int max);
/* The same with several lists of options, to the NULL. */
gboolean ctl_parse_groups (Ctl *ctl, const GOptionEntry *const *groups, int *argc, char ***argv, int min,
                           int max);

/* "500k" as bytes per second; NULL leaves @rate alone. FALSE, reported, if it is no such thing. */
gboolean ctl_parse_rate (Ctl *ctl, const char *text, guint64 *rate);

/* "fardelctl: message" on standard error; with --json an object with the keys
 * Error (@name, "" if there is none) and ErrorMessage. Returns @status. */
CtlExit ctl_fail (Ctl *ctl, CtlExit status, const char *name, const char *format, ...) G_GNUC_PRINTF (4, 5);

/* A relative path from here, since the daemon has another working directory. ".."
 * stays: what it means depends on symbolic links. So does a trailing slash.
 * g_free(). */
char *ctl_absolute_path (const char *path);

/* Connects to the bus, once. */
CtlExit ctl_connect (Ctl *ctl);

/* Calls a method of the daemon, starting it if need be. @args is a tuple, taken
 * if floating, NULL for none; a handle in it is the descriptor itself. On
 * success *ret_reply (may be NULL) is the tuple of results, to be unreffed.
 * Failures are reported here. */
CtlExit ctl_call (Ctl *ctl, const char *path, const char *interface, const char *member, GVariant *args,
                  GVariant **ret_reply);

/* All properties of an interface, an a{sv}. */
CtlExit ctl_get_all (Ctl *ctl, const char *path, const char *interface, GVariant **ret_properties);

CtlExit ctl_set_property (Ctl *ctl, const char *path, const char *interface, const char *property,
                          GVariant *value);

/* The accounts: an a{oa{sv}} of object paths and properties. */
CtlExit ctl_list_accounts (Ctl *ctl, GVariant **ret_accounts);

/* Object path of an argument: a number, or the path itself. NULL, reported, if
 * it is neither. g_free(). */
char *ctl_transfer_path (Ctl *ctl, const char *argument);
/* The same for an account's id. */
char *ctl_account_path (Ctl *ctl, const char *argument);
