/* parcels VANS HOST PORT...: lines "id town kg[,kg...] [express]" of scanned parcels, one port a belt; says each
 * second what goes into which van and to which town, and prints labels.
 *
 * Shows a job in files of its own, as scripts/new-job writes them: its graph is a set of functions, and job-test.c tests them
 * without a clock and without a network. And streams of many inputs, partitions that mean something, values as bytes.
 *
 *   nc -lk 9991 (in a terminal), nc -lk 9992 (in another)
 *   parcels 2 localhost 9991 9992
 *
 * Type "p1 Bonn 2.5,1 express" into the first, and what the label says, "label ...", into the second.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "job.h"

#define MOST_VANS 1000

/* One call a label, so that those of two workers do not mix. */
static void
print_labels (WeirTask *task, WeirIter *labels, gpointer user_data)
{
  WeirValue label;

  while (weir_iter_next (labels, &label)) {
    WeirValue bytes = weir_val (label);
    g_autofree char *base64 = g_base64_encode ((const guchar *) weir_data (bytes), weir_size (bytes));

    g_printerr ("%s: label %s\n", weir_cstr (task, weir_key (label)), base64);
  }
}

static void
build (WeirStream *const *belts, gsize n_belts, guint n_vans)
{
  WeirStream *shipments = parcels_shipments (belts, n_belts), *vans = parcels_vans (shipments, n_vans);

  weir_output_set_name (weir_print (parcels_scans_by_belt (belts, n_belts), 100), "belts");
  weir_output_set_name (weir_print (parcels_kg_by_town (shipments), 100), "towns");
  weir_output_set_name (weir_print (parcels_freight (vans), n_vans), "freight");
  weir_output_set_name (weir_print (parcels_kg_by_van (vans), n_vans), "vans");
  weir_output_set_name (weir_print (parcels_samples (shipments, 10), 100), "samples");
  weir_output_set_name (weir_foreach_partition (parcels_labels (shipments), print_labels, NULL), "labels");
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("parcels", WEIR_SECONDS (1));
  g_autoptr (GPtrArray) belts = g_ptr_array_new ();
  guint64 n_vans;

  weir_context_set_usage (ctx, "VANS HOST PORT...");
  if (!weir_context_parse_args (ctx, &argc, &argv, &error) ||
      !g_ascii_string_to_unsigned (argv[1], 10, 1, MOST_VANS, &n_vans, &error))
    return weir_exit_with_error (error);

  for (int i = 3; i < argc; i++)
    g_ptr_array_add (belts, weir_socket_text_stream (ctx, argv[2], argv[i]));
  build ((WeirStream *const *) belts->pdata, belts->len, (guint) n_vans);

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  return 0;
}
