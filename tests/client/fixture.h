/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A client of the fake daemon, which has one incoming offer and one account.
 */
#pragma once

#include "fake.h"

typedef struct
{
  Fake *fake;
  FardelClient *client;
  char *folder;
  char *path; /* of a file with "content" */
  GFile *file;
} Fixture;

/* What the client has. */
FardelTransfer *fixture_first (FardelClient *client);
FardelTransfer *fixture_last (FardelClient *client);

/* Offers the file to bob@x. */
FardelTransfer *fixture_offer (Fixture *fixture, GError **error);

void fixture_set_up (Fixture *fixture, gconstpointer data);
void fixture_tear_down (Fixture *fixture, gconstpointer data);
#define FIXTURE_ADD(name, function) \
  g_test_add (name, Fixture, NULL, fixture_set_up, function, fixture_tear_down)
