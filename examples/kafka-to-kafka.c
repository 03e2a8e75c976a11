/* kafka_to_kafka BROKERS GROUP IN OUT: copies the records of the topics IN to the topic OUT, keys and values as they are.
 *
 * With a checkpoint each record is copied exactly once, however often the job is killed: who reads OUT with
 * isolation.level=read_committed sees every record once, and those of a key in the order that they have in IN. Epochs are as
 * long as checkpoint.interval says, and that is how long a record takes to be seen.
 *
 *   kafka_to_kafka localhost:9092 copy lines copied --checkpoint=file:///var/lib/copy --checkpoint.interval=1s
 *
 * A job of your own has operators between the two. SPDX-License-Identifier: Apache-2.0
 */
#include <weir/kafka.h>
#include <weir/weir.h>

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("kafka_to_kafka", WEIR_MILLISECONDS (200));

  weir_context_set_usage (ctx, "BROKERS GROUP IN OUT");
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);

  /* Several of them may run at a time, each with a group and transactions of its own. */
  g_autofree char *name = g_strdup_printf ("kafka_to_kafka.%s", argv[2]);
  weir_context_set_name (ctx, name);

  WeirKafka *kafka = weir_kafka_new (ctx, argv[1], argv[2]);
  if (!weir_kafka_set (kafka, "consumer.auto.offset.reset", "earliest", &error))
    return weir_exit_with_error (error);

  WeirStream *records = weir_kafka_direct_stream (kafka, argv[3]);
  weir_stream_set_uid (records, "records");
  weir_output_set_uid (weir_kafka_output (records, kafka, argv[4]), "copies");

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  return 0;
}
