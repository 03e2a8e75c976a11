/* The graph: shipments of all belts, and what vans, towns and customs are told of them. Functions run on worker threads,
 * several at a time for different parts of a batch, so they share nothing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "job.h"

#define MOST_PIECES 100
#define LABEL       "label "
#define HOUR        WEIR_MINUTES (60)

/* --- scans --- */

/* FALSE if one of them is no weight, or they are too many. */
static gboolean
parse_pieces (WeirValue text, WeirValue *pieces, gsize *n)
{
  WeirValue piece;
  gdouble kg;

  for (*n = 0; weir_text_next_token (&text, ',', &piece); pieces[(*n)++] = weir_float (kg))
    if (*n == MOST_PIECES || !weir_parse_float (piece, &kg) || !(kg > 0))
      return FALSE;
  return *n > 0;
}

static void
read_written (WeirTask *task, WeirValue scan)
{
  WeirValue rest = scan, id, town, weights, word, pieces[MOST_PIECES];
  gboolean is_express;
  gsize n;

  if (!weir_text_next_token (&rest, ' ', &id) || !weir_text_next_token (&rest, ' ', &town) ||
      !weir_text_next_token (&rest, ' ', &weights) || !parse_pieces (weights, pieces, &n)) {
    weir_reject (task, scan, "an id, a town and weights are needed");
    return;
  }
  is_express = weir_text_next_token (&rest, ' ', &word) && weir_equal (word, weir_text ("express"));
  weir_emit_pair (task, id, WEIR_LIST_OF (town, weir_bool (is_express), weir_list_at (pieces, n)));
}

static gboolean
is_shipment (WeirValue value)
{
  WeirValue pieces = weir_item (weir_val (value), 2);

  for (gsize i = 0; i < weir_size (pieces); i++)
    if (weir_kind (weir_item (pieces, i)) != WEIR_FLOAT)
      return FALSE;
  return weir_kind (pieces) == WEIR_LIST;
}

/* What is read from paper may be damaged, or not be ours: decoding checks the bytes, but not what they are about. */
static void
read_label (WeirTask *task, WeirValue scan)
{
  const char *base64 = weir_cstr (task, scan) + strlen (LABEL);
  g_autoptr (GError) error = NULL;
  gsize size;
  g_autofree guchar *bytes = g_base64_decode (base64, &size);
  WeirValue shipment;

  if (!weir_decode (task, bytes, size, &shipment, &error))
    weir_reject (task, scan, error->message);
  else if (!is_shipment (shipment))
    weir_reject (task, scan, "the label of something else");
  else
    weir_emit (task, shipment);
}

static void
read_scan (WeirTask *task, WeirValue scan, gpointer user_data)
{
  if (weir_size (scan) > strlen (LABEL) && memcmp (weir_data (scan), LABEL, strlen (LABEL)) == 0)
    read_label (task, scan);
  else
    read_written (task, scan);
}

WeirStream *
parcels_shipments (WeirStream *const *belts, gsize n_belts)
{
  WeirStream *scanned = weir_flat_map (weir_union_all (belts, n_belts), read_scan, NULL);

  return weir_reduce_by_key (scanned, WEIR_FIRST, NULL);
}

static WeirValue
belt_number (WeirTask *task, WeirValue scan, gpointer number)
{
  return weir_int (GPOINTER_TO_UINT (number));
}

/* The union of streams no longer knows where a scan is from; here each belt still has its dataset. */
static WeirDataset *
count_belts (WeirDataset *const *belts, gsize n_belts, WeirTime time, gpointer user_data, GError **error)
{
  WeirDataset *numbers = weir_dataset_map (belts[0], belt_number, GUINT_TO_POINTER (0));

  for (guint i = 1; i < n_belts; i++)
    numbers = weir_dataset_union (numbers, weir_dataset_map (belts[i], belt_number, GUINT_TO_POINTER (i)));
  return weir_dataset_count_by_value (numbers);
}

WeirStream *
parcels_scans_by_belt (WeirStream *const *belts, gsize n_belts)
{
  return weir_transform_all (belts, n_belts, count_belts, NULL);
}

/* --- towns --- */

static WeirValue
town_and_pieces (WeirTask *task, WeirValue shipment, gpointer user_data)
{
  return weir_pair (task, weir_item (weir_val (shipment), 0), weir_item (weir_val (shipment), 2));
}

static void
each_piece (WeirTask *task, WeirValue pieces, gpointer user_data)
{
  for (gsize i = 0; i < weir_size (pieces); i++)
    weir_emit (task, weir_item (pieces, i));
}

WeirStream *
parcels_kg_by_town (WeirStream *shipments)
{
  WeirStream *pieces = weir_flat_map_values (weir_map (shipments, town_and_pieces, NULL), each_piece, NULL);

  return weir_reduce_by_key (pieces, WEIR_SUM, NULL);
}

/* --- vans --- */

static gboolean
goes_today (WeirTask *task, WeirValue shipment, gpointer user_data)
{
  WeirTime of_day = weir_task_batch_time (task) % (24 * HOUR);

  return weir_as_bool (weir_item (weir_val (shipment), 1)) || of_day < LAST_HOUR * HOUR;
}

static WeirValue
id_of (WeirTask *task, WeirValue shipment, gpointer user_data)
{
  return weir_key (shipment);
}

/* Dealt out in turn, so that vans are loaded alike. */
WeirStream *
parcels_vans (WeirStream *shipments, guint n_vans)
{
  return weir_repartition (weir_filter (shipments, goes_today, NULL), n_vans);
}

WeirStream *
parcels_freight (WeirStream *vans)
{
  return weir_glom (weir_map (vans, id_of, NULL));
}

static void
weigh (WeirTask *task, WeirIter *shipments, gpointer user_data)
{
  gdouble kg = 0;
  WeirValue shipment;

  while (weir_iter_next (shipments, &shipment)) {
    WeirValue pieces = weir_item (weir_val (shipment), 2);

    for (gsize i = 0; i < weir_size (pieces); i++)
      kg += weir_as_float (weir_item (pieces, i));
  }
  weir_emit_pair (task, weir_int (weir_task_partition (task)), weir_float (kg));
}

WeirStream *
parcels_kg_by_van (WeirStream *vans)
{
  return weir_map_partitions (vans, weigh, NULL);
}

/* --- samples and labels --- */

/* The hash of an id is always the same: an id that is scanned again is opened again, on each machine and in each run. */
static gboolean
is_sample (WeirTask *task, WeirValue shipment, gpointer every)
{
  return weir_hash (weir_key (shipment)) % GPOINTER_TO_UINT (every) == 0;
}

WeirStream *
parcels_samples (WeirStream *shipments, guint every)
{
  return weir_map (weir_filter (shipments, is_sample, GUINT_TO_POINTER (every)), id_of, NULL);
}

static void
emit_label (WeirTask *task, WeirValue shipment, gpointer user_data)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  weir_encode (shipment, bytes);
  weir_emit_pair (task, weir_key (shipment), weir_bytes (bytes->data, bytes->len)); /* copies */
}

WeirStream *
parcels_labels (WeirStream *shipments)
{
  return weir_flat_map (shipments, emit_label, NULL);
}
