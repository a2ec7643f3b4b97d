/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One transfer in the list. What it shows is bound to the transfer's properties in row.ui. */
#pragma once

#include <fardel/fardel.h>
#include <gtk/gtk.h>

#define TRANSFER_TYPE_ROW (transfer_row_get_type ())
G_DECLARE_FINAL_TYPE (TransferRow, transfer_row, TRANSFER, ROW, GtkWidget)
