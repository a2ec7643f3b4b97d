/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The one header that programs include.
 */
#pragma once

#define FARDEL_INSIDE
#include <fardel/fardel-account.h>
#include <fardel/fardel-client.h>
#include <fardel/fardel-contact.h>
#include <fardel/fardel-enums.h>
#include <fardel/fardel-error.h>
#include <fardel/fardel-transfer.h>
#undef FARDEL_INSIDE
