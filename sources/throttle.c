/* Owns the arithmetic of receivers' rates: a bucket of tokens that holds those of a second. More records at once than
 * it can hold pass as soon as it holds one, and those after them wait the longer. Must not know who waits, or how.
 * One thread at a time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sources/throttle.h"

void
weir_throttle_init (WeirThrottle *throttle, gdouble rate, gint64 now)
{
  *throttle = (WeirThrottle){ .rate = rate, .at = now };
}

static void
fill (WeirThrottle *throttle, gint64 now)
{
  gdouble passed = (gdouble) MAX (now - throttle->at, 0) / G_USEC_PER_SEC;

  throttle->left = MIN (throttle->left + passed * throttle->rate, MAX (throttle->rate, 1));
  throttle->at = MAX (now, throttle->at);
}

void
weir_throttle_set_rate (WeirThrottle *throttle, gdouble rate, gint64 now)
{
  fill (throttle, now);
  throttle->rate = rate;
}

WeirTime
weir_throttle_take (WeirThrottle *throttle, guint64 n, gint64 now)
{
  gdouble wanted = MIN ((gdouble) n, 1);

  if (throttle->rate <= 0)
    return 0;
  fill (throttle, now);
  if (throttle->left < wanted - 1e-6)
    return (WeirTime) ((wanted - throttle->left) / throttle->rate * G_USEC_PER_SEC) + 1;
  throttle->left -= (gdouble) n;
  return 0;
}
