/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What machine.c (the session's own steps) and machine-receive.c (the peer's
 * requests) share.
 */
#pragma once

#include "base/error.h"
#include "jingle/machine.h"

/* Why a transport is being prepared: what to send when it is ready. */
typedef enum
{
  FD_PREPARE_INITIATE,
  FD_PREPARE_ACCEPT,
  FD_PREPARE_REPLACE,
  FD_PREPARE_REPLACE_ACCEPT,
} FdPrepareFor;

struct FdMachine
{
  gboolean initiator;
  char *me;
  char *peer;
  char *sid;
  FdTransports peer_transports;
  FdPath paths;
  gint64 answer_time; /* µs */

  FdMachineState state;
  gint64 deadline; /* µs, -1 none: the one timer of the state */
  char *content;
  FdFile *file;

  FdTransportKind transport; /* in use or being prepared */
  FdTransportInfo local; /* what we offered or accepted last */
  FdTransportInfo remote; /* what the peer offered last */
  FdPrepareFor prepare_for;
  GPtrArray *early; /* FdS5bInfo that came before our user accepted */
  guint replaces; /* of the peer */

  gboolean announced; /* the peer knows the session */
  gboolean terminated; /* a session-terminate was sent or received */
  gboolean stream_up;
  gboolean pumping;
  gboolean pumped; /* all bytes moved */
  gboolean drained; /* and acknowledged, where the transport knows */
  gboolean received; /* the peer has the file, so it says */
  gboolean success; /* the peer ended with success: believed once pumped */
  gboolean pinged;
  gboolean started; /* some pump ran: there may be a part */
  guint64 bytes; /* at the last look */
  guint64 offset; /* where the sender starts */
  gint64 length; /* -1: to the end */

  FdSessionEnd end;
  GError *error; /* end.error; before the end, what will be it unless things get better */
  FdEndedBy blame; /* and who has caused that */
  FdDigest digest; /* end.digest */
  GQueue actions;
};

FdAction *fd_machine_do (FdMachine *machine, FdDo what);

/* Queues a message that the caller may fill. */
FdJingleMessage *fd_machine_send (FdMachine *machine, FdJingleAction action);
FdContent *fd_machine_send_content (FdMachine *machine, FdJingleAction action,
                                    const FdTransportInfo *transport);

/* Tells the peer, unless it knows or never knew of the session. */
void fd_machine_terminate (FdMachine *machine, const char *reason, const char *detail, const char *text);

/* The end is known: stops the pump if it runs, then ends. Takes @error. */
void fd_machine_finish (FdMachine *machine, FdOutcome outcome, FdEndedBy by, GError *error);

void fd_machine_enter (FdMachine *machine, FdMachineState state, gint64 deadline);
/* What the end will be if nothing better comes. Takes @error. */
void fd_machine_expect (FdMachine *machine, FdEndedBy blame, GError *error);
void fd_machine_prepare (FdMachine *machine, FdTransportKind kind, FdPrepareFor what_for);
void fd_machine_verify (FdMachine *machine, gint64 now);
void fd_machine_publish (FdMachine *machine);
void fd_machine_check_delivered (FdMachine *machine, gint64 now);
GError *fd_machine_error (FdErrorCode code, const char *format, ...) G_GNUC_PRINTF (2, 3);

static inline gint64
fd_machine_after (gint64 now, guint seconds)
{
  return now + (gint64) seconds * G_USEC_PER_SEC;
}
