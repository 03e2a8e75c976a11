/* The part of kafka-ops.h that changes and describes topics and groups, by the admin calls of librdkafka.
 *
 * Knows nothing of records. Each call has a handle and a queue of its own.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/servers/kafka-handle.h"

#include <string.h>

/* A handle, its queue for the answer, and the options of one admin call. */
typedef struct {
  rd_kafka_t *rk;
  rd_kafka_queue_t *queue;
  rd_kafka_AdminOptions_t *options;
} Admin;

static gboolean
admin_init (Admin *admin, const char *brokers, rd_kafka_admin_op_t op, GError **error)
{
  *admin = (Admin){ 0 };
  admin->rk = kafka_handle_new (RD_KAFKA_PRODUCER, brokers, NULL, error);
  if (!admin->rk)
    return FALSE;
  admin->queue = rd_kafka_queue_new (admin->rk);
  admin->options = rd_kafka_AdminOptions_new (admin->rk, op);
  char text[128];
  rd_kafka_AdminOptions_set_request_timeout (admin->options, KAFKA_OPS_MS, text, sizeof text);
  if (op != RD_KAFKA_ADMIN_OP_ALTERCONFIGS && op != RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS &&
      op != RD_KAFKA_ADMIN_OP_DELETEGROUPS)
    rd_kafka_AdminOptions_set_operation_timeout (admin->options, KAFKA_OPS_MS, text, sizeof text);
  return TRUE;
}

static void
admin_clear (Admin *admin)
{
  g_clear_pointer (&admin->options, rd_kafka_AdminOptions_destroy);
  g_clear_pointer (&admin->queue, rd_kafka_queue_destroy);
  g_clear_pointer (&admin->rk, rd_kafka_destroy);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Admin, admin_clear)

/* The call's answer, whose error, if it has one, is reported. */
static rd_kafka_event_t *
admin_wait (Admin *admin, const char *what, const char *topic, GError **error)
{
  g_autoptr (rd_kafka_event_t) event = rd_kafka_queue_poll (admin->queue, KAFKA_OPS_MS + 5000);
  if (!event)
    kafka_handle_fail (what, topic, RD_KAFKA_RESP_ERR__TIMED_OUT, NULL, error);
  else if (rd_kafka_event_error (event))
    kafka_handle_fail (what, topic, rd_kafka_event_error (event), rd_kafka_event_error_string (event), error);
  else
    return g_steal_pointer (&event);
  return NULL;
}

static gboolean
topic_result (const char *what, const char *topic, const rd_kafka_topic_result_t **results, gsize n, GError **error)
{
  if (n != 1)
    return kafka_handle_fail (what, topic, RD_KAFKA_RESP_ERR__BAD_MSG, "not one result", error);
  rd_kafka_resp_err_t code = rd_kafka_topic_result_error (results[0]);
  return !code || kafka_handle_fail (what, topic, code, rd_kafka_topic_result_error_string (results[0]), error);
}

/* Partitions of the topic that have a leader, of *all that it has; 0 while there is no such topic, -1 with an error. */
static int
n_led_of (rd_kafka_t *rk, const char *topic, int *all, GError **error)
{
  rd_kafka_topic_t *handle = rd_kafka_topic_new (rk, topic, NULL);
  const struct rd_kafka_metadata *metadata = NULL;
  rd_kafka_resp_err_t code = rd_kafka_metadata (rk, 0, handle, &metadata, KAFKA_OPS_MS);
  rd_kafka_topic_destroy (handle);
  if (code) {
    kafka_handle_fail ("ask for the partitions of", topic, code, NULL, error);
    return -1;
  }
  int n = 0;
  *all = metadata->topic_cnt > 0 ? metadata->topics[0].partition_cnt : 0;
  for (int i = 0; i < *all; i++)
    n += metadata->topics[0].partitions[i].leader >= 0 && !metadata->topics[0].partitions[i].err;
  rd_kafka_metadata_destroy (metadata);
  return n;
}

static int
n_led (rd_kafka_t *rk, const char *topic, GError **error)
{
  int all;
  return n_led_of (rk, topic, &all, error);
}

/* A broker tells of a partition that it leads a little before it takes work for it. */
static gboolean
answers (rd_kafka_t *rk, const char *topic, int n)
{
  gint64 first, end;
  for (int p = 0; p < n; p++)
    if (rd_kafka_query_watermark_offsets (rk, topic, p, &first, &end, KAFKA_OPS_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
      return FALSE;
  return TRUE;
}

/* Waits until the brokers tell of `n` partitions: what was asked of the controller arrives there a little later. */
static gboolean
wait_led (rd_kafka_t *rk, const char *topic, int n, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + KAFKA_OPS_SECONDS * G_USEC_PER_SEC;
  for (;;) {
    int led = n_led (rk, topic, error);
    if (led < 0 || (led == n && answers (rk, topic, n)))
      return led == n;
    if (g_get_monotonic_time () > deadline)
      return kafka_handle_fail ("wait for the partitions of", topic, RD_KAFKA_RESP_ERR__TIMED_OUT, NULL, error);
    rd_kafka_poll (rk, 10);
  }
}

/* Splits "name=value"; FALSE if there is no '='. */
static gboolean
split (const char *entry, char **name, const char **value, GError **error)
{
  const char *equals = strchr (entry, '=');
  if (!equals)
    return kafka_handle_fail ("read", entry, RD_KAFKA_RESP_ERR__INVALID_ARG, "a setting is NAME=VALUE", error);
  *name = g_strndup (entry, (gsize) (equals - entry));
  *value = equals + 1;
  return TRUE;
}

static gboolean
set_new_topic (rd_kafka_NewTopic_t *topic, const char *const *config, GError **error)
{
  for (; config && *config; config++) {
    g_autofree char *name = NULL;
    const char *value = NULL;
    if (!split (*config, &name, &value, error))
      return FALSE;
    rd_kafka_resp_err_t code = rd_kafka_NewTopic_set_config (topic, name, value);
    if (code)
      return kafka_handle_fail ("set", name, code, NULL, error);
  }
  return TRUE;
}

static gboolean
create_once (Admin *admin, rd_kafka_NewTopic_t *wanted, const char *topic, GError **error)
{
  rd_kafka_CreateTopics (admin->rk, &wanted, 1, admin->options, admin->queue);
  g_autoptr (rd_kafka_event_t) event = admin_wait (admin, "create topic", topic, error);
  if (!event)
    return FALSE;
  gsize n = 0;
  const rd_kafka_topic_result_t **results =
      rd_kafka_CreateTopics_result_topics (rd_kafka_event_CreateTopics_result (event), &n);
  return topic_result ("create topic", topic, results, n, error);
}

/* A broker with ZooKeeper deletes a topic a while after it has said so: what is there without a partition is on its way
 * out, and the topic is asked for again. */
static gboolean
create (Admin *admin, rd_kafka_NewTopic_t *wanted, const char *topic, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + KAFKA_OPS_SECONDS * G_USEC_PER_SEC;
  for (;;) {
    g_autoptr (GError) why = NULL;
    if (create_once (admin, wanted, topic, &why))
      return TRUE;
    gboolean again = why->code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS && g_get_monotonic_time () < deadline &&
                     n_led (admin->rk, topic, NULL) == 0;
    if (!again) {
      g_propagate_error (error, g_steal_pointer (&why));
      return FALSE;
    }
    rd_kafka_poll (admin->rk, 20);
  }
}

gboolean
kafka_ops_create_topic (const char *brokers, const char *topic, int n_partitions, const char *const *config,
                        GError **error)
{
  g_auto (Admin) admin = { 0 };
  if (!admin_init (&admin, brokers, RD_KAFKA_ADMIN_OP_CREATETOPICS, error))
    return FALSE;
  char text[256];
  rd_kafka_NewTopic_t *wanted = rd_kafka_NewTopic_new (topic, n_partitions, 1, text, sizeof text);
  if (!wanted)
    return kafka_handle_fail ("create topic", topic, RD_KAFKA_RESP_ERR__INVALID_ARG, text, error);
  gboolean good = set_new_topic (wanted, config, error) && create (&admin, wanted, topic, error);
  rd_kafka_NewTopic_destroy (wanted);
  return good && wait_led (admin.rk, topic, n_partitions, error);
}

gboolean
kafka_ops_delete_topic (const char *brokers, const char *topic, GError **error)
{
  g_auto (Admin) admin = { 0 };
  if (!admin_init (&admin, brokers, RD_KAFKA_ADMIN_OP_DELETETOPICS, error))
    return FALSE;
  rd_kafka_DeleteTopic_t *unwanted = rd_kafka_DeleteTopic_new (topic);
  rd_kafka_DeleteTopics (admin.rk, &unwanted, 1, admin.options, admin.queue);
  rd_kafka_DeleteTopic_destroy (unwanted);
  g_autoptr (rd_kafka_event_t) event = admin_wait (&admin, "delete topic", topic, error);
  if (!event)
    return FALSE;
  gsize n = 0;
  const rd_kafka_topic_result_t **results =
      rd_kafka_DeleteTopics_result_topics (rd_kafka_event_DeleteTopics_result (event), &n);
  return topic_result ("delete topic", topic, results, n, error) && wait_led (admin.rk, topic, 0, error);
}

gboolean
kafka_ops_delete_group (const char *brokers, const char *group, GError **error)
{
  g_auto (Admin) admin = { 0 };
  if (!admin_init (&admin, brokers, RD_KAFKA_ADMIN_OP_DELETEGROUPS, error))
    return FALSE;
  rd_kafka_DeleteGroup_t *unwanted = rd_kafka_DeleteGroup_new (group);
  rd_kafka_DeleteGroups (admin.rk, &unwanted, 1, admin.options, admin.queue);
  rd_kafka_DeleteGroup_destroy (unwanted);
  g_autoptr (rd_kafka_event_t) event = admin_wait (&admin, "delete group", group, error);
  if (!event)
    return FALSE;
  gsize n = 0;
  const rd_kafka_group_result_t **results =
      rd_kafka_DeleteGroups_result_groups (rd_kafka_event_DeleteGroups_result (event), &n);
  if (n != 1)
    return kafka_handle_fail ("delete group", group, RD_KAFKA_RESP_ERR__BAD_MSG, "not one result", error);
  const rd_kafka_error_t *failure = rd_kafka_group_result_error (results[0]);
  return !failure || kafka_handle_fail ("delete group", group, rd_kafka_error_code (failure),
                                        rd_kafka_error_string (failure), error);
}

gboolean
kafka_ops_add_partitions (const char *brokers, const char *topic, int total, GError **error)
{
  g_auto (Admin) admin = { 0 };
  if (!admin_init (&admin, brokers, RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, error))
    return FALSE;
  char text[256];
  rd_kafka_NewPartitions_t *wanted = rd_kafka_NewPartitions_new (topic, (gsize) total, text, sizeof text);
  if (!wanted)
    return kafka_handle_fail ("add partitions to", topic, RD_KAFKA_RESP_ERR__INVALID_ARG, text, error);
  rd_kafka_CreatePartitions (admin.rk, &wanted, 1, admin.options, admin.queue);
  rd_kafka_NewPartitions_destroy (wanted);
  g_autoptr (rd_kafka_event_t) event = admin_wait (&admin, "add partitions to", topic, error);
  if (!event)
    return FALSE;
  gsize n = 0;
  const rd_kafka_topic_result_t **results =
      rd_kafka_CreatePartitions_result_topics (rd_kafka_event_CreatePartitions_result (event), &n);
  return topic_result ("add partitions to", topic, results, n, error) && wait_led (admin.rk, topic, total, error);
}

gboolean
kafka_ops_delete_records (const char *brokers, const char *topic, int partition, gint64 before, GError **error)
{
  g_auto (Admin) admin = { 0 };
  if (!admin_init (&admin, brokers, RD_KAFKA_ADMIN_OP_DELETERECORDS, error))
    return FALSE;
  g_autoptr (rd_kafka_topic_partition_list_t) list = rd_kafka_topic_partition_list_new (1);
  rd_kafka_topic_partition_list_add (list, topic, partition)->offset = before < 0 ? RD_KAFKA_OFFSET_END : before;
  rd_kafka_DeleteRecords_t *wanted = rd_kafka_DeleteRecords_new (list);
  rd_kafka_DeleteRecords (admin.rk, &wanted, 1, admin.options, admin.queue);
  rd_kafka_DeleteRecords_destroy (wanted);
  g_autoptr (rd_kafka_event_t) event = admin_wait (&admin, "delete records of", topic, error);
  if (!event)
    return FALSE;
  const rd_kafka_topic_partition_list_t *done =
      rd_kafka_DeleteRecords_result_offsets (rd_kafka_event_DeleteRecords_result (event));
  rd_kafka_resp_err_t code = done->cnt == 1 ? done->elems[0].err : RD_KAFKA_RESP_ERR__BAD_MSG;
  return !code || kafka_handle_fail ("delete records of", topic, code, NULL, error);
}

/* The described entries of the topic as "name=value"; only those set for the topic itself if `own`. */
static GPtrArray *
entries_of (const rd_kafka_ConfigResource_t *resource, gboolean own)
{
  GPtrArray *entries = g_ptr_array_new_with_free_func (g_free);
  gsize n = 0;
  const rd_kafka_ConfigEntry_t **found = rd_kafka_ConfigResource_configs (resource, &n);
  for (gsize i = 0; i < n; i++) {
    const char *value = rd_kafka_ConfigEntry_value (found[i]);
    if (!own || rd_kafka_ConfigEntry_source (found[i]) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG)
      g_ptr_array_add (entries, g_strdup_printf ("%s=%s", rd_kafka_ConfigEntry_name (found[i]), value ? value : ""));
  }
  return entries;
}

static GPtrArray *
describe (const char *brokers, const char *topic, gboolean own, GError **error)
{
  g_auto (Admin) admin = { 0 };
  if (!admin_init (&admin, brokers, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, error))
    return NULL;
  rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new (RD_KAFKA_RESOURCE_TOPIC, topic);
  rd_kafka_DescribeConfigs (admin.rk, &resource, 1, admin.options, admin.queue);
  rd_kafka_ConfigResource_destroy (resource);
  g_autoptr (rd_kafka_event_t) event = admin_wait (&admin, "describe topic", topic, error);
  if (!event)
    return NULL;
  gsize n = 0;
  const rd_kafka_ConfigResource_t **found =
      rd_kafka_DescribeConfigs_result_resources (rd_kafka_event_DescribeConfigs_result (event), &n);
  rd_kafka_resp_err_t code = n == 1 ? rd_kafka_ConfigResource_error (found[0]) : RD_KAFKA_RESP_ERR__BAD_MSG;
  if (!code)
    return entries_of (found[0], own);
  kafka_handle_fail ("describe topic", topic, code, NULL, error);
  return NULL;
}

static int
compare_entries (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

char **
kafka_ops_describe_config (const char *brokers, const char *topic, GError **error)
{
  GPtrArray *entries = describe (brokers, topic, FALSE, error);
  if (!entries)
    return NULL;
  g_ptr_array_sort (entries, compare_entries);
  g_ptr_array_add (entries, NULL);
  return (char **) g_ptr_array_free (entries, FALSE);
}

static gboolean
set_resource (rd_kafka_ConfigResource_t *resource, const char *entry, GError **error)
{
  g_autofree char *name = NULL;
  const char *value = NULL;
  if (!split (entry, &name, &value, error))
    return FALSE;
  rd_kafka_resp_err_t code = rd_kafka_ConfigResource_set_config (resource, name, value);
  return !code || kafka_handle_fail ("set", name, code, NULL, error);
}

/* The broker's call replaces all: what was set before comes first, and a name set again takes the later value. */
static gboolean
fill_resource (rd_kafka_ConfigResource_t *resource, const GPtrArray *before, const char *const *config, GError **error)
{
  gboolean good = TRUE;
  for (guint i = 0; good && i < before->len; i++)
    good = set_resource (resource, before->pdata[i], error);
  for (; good && *config; config++)
    good = set_resource (resource, *config, error);
  return good;
}

gboolean
kafka_ops_alter_config (const char *brokers, const char *topic, const char *const *config, GError **error)
{
  g_autoptr (GPtrArray) before = describe (brokers, topic, TRUE, error);
  g_auto (Admin) admin = { 0 };
  if (!before || !admin_init (&admin, brokers, RD_KAFKA_ADMIN_OP_ALTERCONFIGS, error))
    return FALSE;
  rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new (RD_KAFKA_RESOURCE_TOPIC, topic);
  gboolean good = fill_resource (resource, before, config, error);
  if (good)
    rd_kafka_AlterConfigs (admin.rk, &resource, 1, admin.options, admin.queue);
  rd_kafka_ConfigResource_destroy (resource);
  g_autoptr (rd_kafka_event_t) event = good ? admin_wait (&admin, "configure topic", topic, error) : NULL;
  if (!event)
    return FALSE;
  gsize n = 0;
  const rd_kafka_ConfigResource_t **done =
      rd_kafka_AlterConfigs_result_resources (rd_kafka_event_AlterConfigs_result (event), &n);
  rd_kafka_resp_err_t code = n == 1 ? rd_kafka_ConfigResource_error (done[0]) : RD_KAFKA_RESP_ERR__BAD_MSG;
  const char *text = n == 1 ? rd_kafka_ConfigResource_error_string (done[0]) : NULL;
  return !code || kafka_handle_fail ("configure topic", topic, code, text, error);
}

/* A broker whose session has ended leads nothing until it has another. */
int
kafka_ops_n_partitions (const char *brokers, const char *topic, GError **error)
{
  g_autoptr (rd_kafka_t) rk = kafka_handle_new (RD_KAFKA_PRODUCER, brokers, NULL, error);
  gint64 deadline = g_get_monotonic_time () + KAFKA_OPS_SECONDS * G_USEC_PER_SEC;
  int n, all = 0;
  do
    n = rk ? n_led_of (rk, topic, &all, error) : -1;
  while (n >= 0 && n < all && g_get_monotonic_time () < deadline);
  if (n != 0)
    return n;
  kafka_handle_fail ("find", topic, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, "there is no such topic", error);
  return -1;
}
