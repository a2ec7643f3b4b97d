/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One contact of an account.
 */
#pragma once

#include <fardel/fardel-enums.h>

G_BEGIN_DECLS

#define FARDEL_TYPE_CONTACT (fardel_contact_get_type ())
FARDEL_API
G_DECLARE_FINAL_TYPE (FardelContact, fardel_contact, FARDEL, CONTACT, GObject)

FARDEL_API
const char *fardel_contact_get_jid (FardelContact *self);

G_END_DECLS
