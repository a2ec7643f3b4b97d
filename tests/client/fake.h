/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A daemon that does what a test wants. It answers from the bus's own thread,
 * so it needs no main loop and serves callers that wait.
 */
#pragma once

#include <fardel/fardel.h>

#define TRANSFER(id) "/org/fardel/Fardel1/transfer/" #id

typedef struct Fake Fake;

/* What the fake was asked last, by name of the method. */
typedef struct
{
  GVariant *arguments;
  char *path;
  char *data; /* what the descriptor held that came along */
  int fd; /* the descriptor, if it is a socket; -1 otherwise */
} FakeCall;

/* On the session bus, without the name yet. */
Fake *fake_new (void);
void fake_free (Fake *fake);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fake, fake_free)

/* The daemon comes and goes; its objects stay. */
void fake_appear (Fake *fake);
void fake_vanish (Fake *fake);

/* @properties is text of an a{sv}; what every object must have is added. */
void fake_add_transfer (Fake *fake, guint id, const char *properties);
void fake_add_account (Fake *fake, const char *id, const char *properties);
void fake_change (Fake *fake, const char *path, const char *properties);
void fake_remove (Fake *fake, const char *path);
void fake_emit (Fake *fake, const char *path, const char *interface, const char *signal);

/* Text of an aa{sv}. */
void fake_set_contacts (Fake *fake, const char *contacts);

/* Calls of @method wait until fake_go_on(), which answers them, or never. */
void fake_hold (Fake *fake, const char *method);
void fake_wait_held (Fake *fake);
void fake_go_on (Fake *fake);

/* Calls of @method fail from the @nth on. */
void fake_fail (Fake *fake, const char *method, const char *error, guint nth);

/* InterfacesAdded of an offer comes before the reply, after it, or the transfer is
 * gone before anybody asks for it. */
typedef enum
{
  FAKE_SIGNAL_FIRST,
  FAKE_REPLY_FIRST,
  FAKE_GONE,
} FakeOffers;
void fake_set_offers (Fake *fake, FakeOffers order);

guint fake_count (Fake *fake, const char *method);
const FakeCall *fake_last (Fake *fake, const char *method);

/* Runs the tests that were added, on a bus of their own. */
int fake_run_tests (void);
