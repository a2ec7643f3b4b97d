/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One transfer as last told by the daemon, and how it is put in words.
 */
#pragma once

#include "ctl.h"
#include "layout.h"

typedef struct CtlTransfer CtlTransfer;

/* @properties: an a{sv} of org.fardel.Fardel1.Transfer. */
CtlTransfer *ctl_transfer_new (const char *path, GVariant *properties);
void ctl_transfer_free (CtlTransfer *transfer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlTransfer, ctl_transfer_free)

void ctl_transfer_update (CtlTransfer *transfer, GVariant *properties);

const char *ctl_transfer_get_path (CtlTransfer *transfer);
/* Properties; "" and 0 if absent. Strings are borrowed until the next update. */
const char *ctl_transfer_get_string (CtlTransfer *transfer, const char *property);
guint64 ctl_transfer_get_uint (CtlTransfer *transfer, const char *property);
gint64 ctl_transfer_get_int (CtlTransfer *transfer, const char *property);
guint ctl_transfer_get_id (CtlTransfer *transfer);
gboolean ctl_transfer_is_incoming (CtlTransfer *transfer);

/* done, rejected, cancelled or failed */
gboolean ctl_transfer_is_final (CtlTransfer *transfer);
/* "fardelctl resume" can offer it again, or go on with it at once. */
gboolean ctl_transfer_is_resumable (CtlTransfer *transfer);
/* The exit code for a final state. */
CtlExit ctl_transfer_get_exit (CtlTransfer *transfer);

/* "3  a.pdf to bob@example.org: offered, 1.2 MB", coloured by state; g_free(). */
char *ctl_transfer_state_line (CtlTransfer *transfer, FILE *out);
/* "3  a.pdf  45 %  1.2 MB  1.2 MB/s  0:32 left"; g_free(). */
char *ctl_transfer_progress_line (CtlTransfer *transfer);
/* For a live view; what it borrows goes to @strings, which free it. */
void ctl_transfer_get_row (CtlTransfer *transfer, CtlRow *ret_row, GPtrArray *strings);
/* Everything, one property a line. */
void ctl_transfer_print_all (CtlTransfer *transfer, FILE *out);
