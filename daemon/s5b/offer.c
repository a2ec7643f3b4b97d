/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Our own candidates as the negotiation sees them (XEP-0260 §2.1, §2.2).
 */
#include "s5b/offer.h"

static void
offered_free (gpointer data)
{
  g_free (((FdS5bOffered *) data)->cid);
  g_free (data);
}

void
fd_s5b_offer_init (FdS5bOffer *offer)
{
  *offer = (FdS5bOffer){ .offered = g_ptr_array_new_with_free_func (offered_free),
                         .complete = TRUE,
                         .ended = TRUE };
}

void
fd_s5b_offer_clear (FdS5bOffer *offer)
{
  g_ptr_array_unref (offer->offered);
}

void
fd_s5b_offer_add (FdS5bOffer *offer, const FdS5bCandidate *candidate, gboolean late)
{
  FdS5bOffered *offered = g_new0 (FdS5bOffered, 1);

  offered->cid = g_strdup (candidate->cid);
  offered->priority = candidate->priority;
  offered->proxy = candidate->type == FD_S5B_PROXY;
  offered->late = late;
  g_ptr_array_add (offer->offered, offered);
}

void
fd_s5b_offer_close (FdS5bOffer *offer)
{
  offer->sent = 1;
  offer->complete = offer->ended = !offer->gathering;
}

FdS5bOffered *
fd_s5b_offer_find (FdS5bOffer *offer, const char *cid)
{
  for (guint i = 0; cid && i < offer->offered->len; i++)
    {
      FdS5bOffered *offered = offer->offered->pdata[i];

      if (!offered->late && g_str_equal (offered->cid, cid))
        return offered;
    }
  return NULL;
}

const FdS5bOffered *
fd_s5b_offer_find_socket (FdS5bOffer *offer, const FdS5bOffered *wanted)
{
  const FdS5bOffered *only = NULL;
  guint sockets = 0;

  if (wanted->sockets > 0)
    return wanted;
  for (guint i = 0; i < offer->offered->len; i++)
    {
      const FdS5bOffered *offered = offer->offered->pdata[i];

      sockets += offered->sockets;
      if (offered->sockets > 0)
        only = offered;
    }
  return sockets == 1 ? only : NULL;
}

FdS5bOffered *
fd_s5b_offer_send_late (FdS5bOffer *offer)
{
  for (guint i = 0; i < offer->offered->len; i++)
    {
      FdS5bOffered *offered = offer->offered->pdata[i];

      if (!offered->late)
        continue;
      offered->late = FALSE;
      offer->sent++;
      return offered;
    }
  return NULL;
}

void
fd_s5b_offer_acked (FdS5bOffer *offer)
{
  if (offer->acked < offer->sent)
    offer->acked++;
}

gboolean
fd_s5b_offer_is_known (const FdS5bOffer *offer, gboolean answered)
{
  guint known = answered ? MAX (offer->acked, MIN (offer->sent, 1)) : offer->acked;

  return known == offer->sent;
}
