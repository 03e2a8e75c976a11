/* Tests the graph without a clock and without a network: scans come from queues, time is moved by hand.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <weir/test.h>

#include "job.h"

#define N_BELTS 2
#define N_VANS  2

typedef struct {
  WeirContext *ctx;
  WeirQueue *queues[N_BELTS];
  WeirStream *belts[N_BELTS], *shipments;
} Fixture;

/* `start` is where the clock stands, a time of day: NULL for 0, which is midnight. */
static void
set_up (Fixture *fixture, gconstpointer start)
{
  const WeirTime *time = start;

  fixture->ctx =
      time != NULL ? weir_test_context_new_at (WEIR_SECONDS (1), *time) : weir_test_context_new (WEIR_SECONDS (1));
  for (gsize i = 0; i < N_BELTS; i++) {
    fixture->queues[i] = weir_queue_new ();
    fixture->belts[i] = weir_queue_stream (fixture->ctx, fixture->queues[i], TRUE);
  }
  fixture->shipments = parcels_shipments (fixture->belts, N_BELTS);
}

static void
tear_down (Fixture *fixture, gconstpointer start)
{
  weir_context_free (fixture->ctx);
  for (gsize i = 0; i < N_BELTS; i++)
    weir_queue_free (fixture->queues[i]);
}

/* One batch of a belt. */
static void
push (Fixture *fixture, gsize belt, const char *first, const char *second)
{
  const WeirValue scans[] = { weir_text (first), weir_text (second != NULL ? second : "") };

  weir_queue_push (fixture->queues[belt], scans, second != NULL ? 2 : 1);
}

static void
advance (Fixture *fixture, guint n_batches)
{
  g_autoptr (GError) error = NULL;

  weir_test_advance (fixture->ctx, n_batches, &error);
  g_assert_no_error (error);
}

static void
expect (WeirCollected *collected, gsize batch, const char *text)
{
  g_autoptr (GError) error = NULL;

  weir_collected_expect (collected, batch, text, &error);
  g_assert_no_error (error);
}

static void
a_shipment_that_two_belts_see_is_one (Fixture *fixture, gconstpointer start)
{
  WeirCollected *shipments = weir_collect (fixture->shipments);

  push (fixture, 0, "p1 Bonn 2.5,1 express", "p2 Kiel 4");
  push (fixture, 1, "p1 Bonn 2.5,1 express", NULL);
  advance (fixture, 2);

  g_assert_cmpuint (weir_collected_n_batches (shipments), ==, 2);
  g_assert_cmpint (weir_collected_time (shipments, 1), ==, WEIR_SECONDS (2));
  expect (shipments, 0, "(p1,[Bonn,true,[2.5,1.0]]) (p2,[Kiel,false,[4.0]])");
  expect (shipments, 1, "");
}

static void
what_is_no_scan_is_left_out (Fixture *fixture, gconstpointer start)
{
  WeirCollected *shipments = weir_collect (fixture->shipments);

  push (fixture, 0, "p1 Bonn", "p2 Kiel 4,heavy");
  push (fixture, 1, "label bm8gbGFiZWw=", "p3 Kiel -1");
  push (fixture, 0, "p4 Kiel 1 fragile", "label Eg=="); /* a whole value, but an INT */
  advance (fixture, 2);

  expect (shipments, 0, "");
  expect (shipments, 1, "(p4,[Kiel,false,[1.0]])");
}

static void
scans_are_counted_by_belt (Fixture *fixture, gconstpointer start)
{
  WeirCollected *belts = weir_collect (parcels_scans_by_belt (fixture->belts, N_BELTS));

  push (fixture, 0, "p1 Bonn 1", "p2 Bonn 1");
  push (fixture, 1, "p3 Bonn 1", NULL);
  push (fixture, 1, "p4 Bonn 1", NULL);
  advance (fixture, 2);

  expect (belts, 0, "(0,2) (1,1)");
  expect (belts, 1, "(1,1)");
}

static void
pieces_weigh_in_their_town (Fixture *fixture, gconstpointer start)
{
  WeirCollected *towns = weir_collect (parcels_kg_by_town (fixture->shipments));

  push (fixture, 0, "p1 Bonn 2.5,1", "p2 Kiel 4");
  push (fixture, 1, "p3 Bonn 1", NULL);
  advance (fixture, 1);

  g_autofree char *text = weir_collected_text (towns, 0);
  g_assert_cmpstr (text, ==, "(Bonn,4.5) (Kiel,4.0)");
}

/* Which shipment is in which van is no business of a test's; that vans are alike is. */
static void
vans_are_loaded_alike (Fixture *fixture, gconstpointer start)
{
  WeirStream *vans = parcels_vans (fixture->shipments, N_VANS);
  WeirCollected *freight = weir_collect (parcels_freight (vans)), *kg = weir_collect (parcels_kg_by_van (vans));
  const WeirValue *values;
  gsize n;

  push (fixture, 0, "p1 Bonn 1,2", "p2 Kiel 3");
  push (fixture, 1, "p3 Bonn 3", "p4 Bonn 3");
  advance (fixture, 1);

  values = weir_collected_values (freight, 0, &n);
  g_assert_cmpuint (n, ==, N_VANS);
  for (gsize i = 0; i < n; i++)
    g_assert_cmpuint (weir_size (values[i]), ==, 2);
  expect (kg, 0, "(0,6.0) (1,6.0)");
}

/* The clock stands at two seconds before the last hour. */
static void
from_the_last_hour_on_only_express_goes (Fixture *fixture, gconstpointer start)
{
  WeirCollected *freight = weir_collect (parcels_freight (parcels_vans (fixture->shipments, 1)));

  push (fixture, 0, "p1 Bonn 1 express", "p2 Bonn 1");
  push (fixture, 0, "p3 Bonn 1 express", "p4 Bonn 1");
  advance (fixture, 2);

  g_assert_cmpint (weir_collected_time (freight, 0), ==, *(const WeirTime *) start + WEIR_SECONDS (1));
  g_assert_cmpuint (weir_size (weir_collected_values (freight, 0, &(gsize){ 0 })[0]), ==, 2);
  expect (freight, 1, "[p3]");
}

static void
a_sample_is_a_sample_again (Fixture *fixture, gconstpointer start)
{
  const guint every = 2;
  WeirCollected *samples = weir_collect (parcels_samples (fixture->shipments, every));
  gboolean is_sample = weir_hash (weir_text ("p1")) % every == 0;

  push (fixture, 0, "p1 Bonn 1", NULL);
  push (fixture, 0, "p1 Kiel 2", NULL);
  advance (fixture, 2);

  expect (samples, 0, is_sample ? "p1" : "");
  expect (samples, 1, is_sample ? "p1" : "");
}

/* What is scanned from the label is what was printed on it. */
static void
a_label_is_the_shipment (Fixture *fixture, gconstpointer start)
{
  WeirCollected *shipments = weir_collect (fixture->shipments);
  WeirCollected *labels = weir_collect (parcels_labels (fixture->shipments));
  const WeirValue *values;
  gsize n;

  push (fixture, 0, "p1 Bonn 2.5,1 express", NULL);
  advance (fixture, 1);
  values = weir_collected_values (labels, 0, &n);
  g_assert_cmpuint (n, ==, 1);

  WeirValue label = weir_val (values[0]);
  g_autofree char *base64 = g_base64_encode ((const guchar *) weir_data (label), weir_size (label));
  g_autofree char *scan = g_strconcat ("label ", base64, NULL);
  push (fixture, 1, scan, NULL);
  weir_queue_push_nothing (fixture->queues[0]);
  advance (fixture, 1);
  expect (shipments, 1, "(p1,[Bonn,true,[2.5,1.0]])");
}

static void
add (const char *name, void (*test) (Fixture *fixture, gconstpointer start), const WeirTime *start)
{
  g_test_add (name, Fixture, start, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  const WeirTime evening = WEIR_MINUTES (60 * LAST_HOUR) - WEIR_SECONDS (2);

  g_test_init (&argc, &argv, NULL);
  add ("/parcels/a-shipment-that-two-belts-see-is-one", a_shipment_that_two_belts_see_is_one, NULL);
  add ("/parcels/what-is-no-scan-is-left-out", what_is_no_scan_is_left_out, NULL);
  add ("/parcels/scans-are-counted-by-belt", scans_are_counted_by_belt, NULL);
  add ("/parcels/pieces-weigh-in-their-town", pieces_weigh_in_their_town, NULL);
  add ("/parcels/vans-are-loaded-alike", vans_are_loaded_alike, NULL);
  add ("/parcels/from-the-last-hour-on-only-express-goes", from_the_last_hour_on_only_express_goes, &evening);
  add ("/parcels/a-sample-is-a-sample-again", a_sample_is_a_sample_again, NULL);
  add ("/parcels/a-label-is-the-shipment", a_label_is_the_shipment, NULL);
  return g_test_run ();
}
