/* Owns what a job says about librdkafka's properties: which may be set, where secrets come from, and that they never
 * stand in a message. Must not know the connection. Threads: one at a time.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "clients/kafka-properties.h"

#include <string.h>

#include <weir/error.h>

#define BOTH (WEIR_KAFKA_CONSUMER | WEIR_KAFKA_PRODUCER)

typedef struct {
  guint roles;
  char *name, *value;
} Property;

struct _WeirKafkaProperties {
  GArray *all; /* of Property, as they were said */
};

typedef struct {
  const char *name, *reason;
} Refused;

/* What must be as it is, or records are lost or doubled. */
static const Refused refused[] = {
  { "bootstrap.servers", "it is what weir_kafka_new () is given" },
  { "metadata.broker.list", "the brokers are what weir_kafka_new () is given" },
  { "group.id", "it is what weir_kafka_new () is given" },
  { "enable.auto.commit", "offsets are committed when batches are done" },
  { "enable.auto.offset.store", "offsets are committed when batches are done" },
  { "auto.commit.enable", "offsets are committed when batches are done" },
  { "enable.partition.eof", "the source needs to hear of the ends of partitions" },
  { "transactional.id", "it is made of the context's name" },
  { "delivery.report.only.error", "every delivery is counted" },
  { "log.queue", "what the client says goes into the job's log" },
};

static void
property_clear (gpointer data)
{
  Property *property = data;

  g_free (property->name);
  g_free (property->value);
}

WeirKafkaProperties *
weir_kafka_properties_new (void)
{
  WeirKafkaProperties *properties = g_new0 (WeirKafkaProperties, 1);

  properties->all = g_array_new (FALSE, FALSE, sizeof (Property));
  g_array_set_clear_func (properties->all, property_clear);
  return properties;
}

void
weir_kafka_properties_free (WeirKafkaProperties *properties)
{
  if (properties == NULL)
    return;
  g_array_unref (properties->all);
  g_free (properties);
}

static guint
take_roles (const char **name)
{
  if (g_str_has_prefix (*name, "consumer.")) {
    *name += strlen ("consumer.");
    return WEIR_KAFKA_CONSUMER;
  }
  if (g_str_has_prefix (*name, "producer.")) {
    *name += strlen ("producer.");
    return WEIR_KAFKA_PRODUCER;
  }
  return BOTH;
}

static gboolean
is_secret (const char *name)
{
  static const char *const parts[] = { "password", "secret", "oauthbearer", ".pem", "jaas" };

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    if (strstr (name, parts[i]) != NULL)
      return TRUE;
  return FALSE;
}

static gboolean
set_one (rd_kafka_conf_t *conf, const char *name, const char *value, GError **error)
{
  char said[512];

  if (rd_kafka_conf_set (conf, name, value, said, sizeof said) == RD_KAFKA_CONF_OK)
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "Kafka property %s: %s", name,
               is_secret (name) ? "its value is not accepted" : said);
  return FALSE;
}

static gboolean
is_reference (const char *value)
{
  return g_str_has_prefix (value, "${") && g_str_has_suffix (value, "}") && strchr (value, ':') != NULL;
}

static gboolean
check (const char *name, const char *value, GError **error)
{
  g_autoptr (rd_kafka_conf_t) scratch = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    if (g_str_equal (name, refused[i].name)) {
      g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "Kafka property %s cannot be set: %s", name,
                   refused[i].reason);
      return FALSE;
    }
  if (is_reference (value))
    return TRUE;
  scratch = rd_kafka_conf_new ();
  return set_one (scratch, name, value, error);
}

gboolean
weir_kafka_properties_set (WeirKafkaProperties *properties, const char *name, const char *value, GError **error)
{
  Property property = { .roles = take_roles (&name) };

  if (!check (name, value, error))
    return FALSE;
  property.name = g_strdup (name);
  property.value = g_strdup (value);
  g_array_append_val (properties->all, property);
  return TRUE;
}

static gboolean
read_line (WeirKafkaProperties *properties, char *line, GError **error)
{
  char *sign;

  g_strstrip (line);
  if (line[0] == '\0' || line[0] == '#')
    return TRUE;
  sign = strchr (line, '=');
  if (sign == NULL) {
    g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_OPTION, "there is no = in it: write name=value");
    return FALSE;
  }
  *sign = '\0';
  return weir_kafka_properties_set (properties, g_strstrip (line), g_strstrip (sign + 1), error);
}

gboolean
weir_kafka_properties_read (WeirKafkaProperties *properties, const char *path, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (path, &text, NULL, &failure)) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "kafka.properties: %s", failure->message);
    return FALSE;
  }
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    if (!read_line (properties, lines[i], error)) {
      g_prefix_error (error, "%s: line %u: ", path, i + 1);
      return FALSE;
    }
  return TRUE;
}

/* What `${env:NAME}` or `${file:PATH}` stands for; transfer full. */
static char *
follow (const char *name, const char *value, GError **error)
{
  g_autofree char *inner = g_strndup (value + 2, strlen (value) - 3);
  char *place = strchr (inner, ':') + 1, *text = NULL;
  g_autoptr (GError) failure = NULL;

  if (g_str_has_prefix (inner, "env:")) {
    if (g_getenv (place) != NULL)
      return g_strdup (g_getenv (place));
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "Kafka property %s: the environment has no %s", name, place);
    return NULL;
  }
  if (!g_str_has_prefix (inner, "file:")) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION,
                 "Kafka property %s: a value may come from ${env:NAME} or ${file:PATH} only", name);
    return NULL;
  }
  if (g_file_get_contents (place, &text, NULL, &failure))
    return g_strchomp (text);
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "Kafka property %s: %s", name, failure->message);
  return NULL;
}

/* Transfer full. */
static char *
value_of (const Property *property, GError **error)
{
  if (!is_reference (property->value))
    return g_strdup (property->value);
  return follow (property->name, property->value, error);
}

char *
weir_kafka_properties_get (const WeirKafkaProperties *properties, WeirKafkaRole role, const char *name)
{
  for (guint i = properties->all->len; i > 0; i--) {
    const Property *property = &g_array_index (properties->all, Property, i - 1);

    if ((property->roles & role) != 0 && g_str_equal (property->name, name))
      return value_of (property, NULL);
  }
  return NULL;
}

static gboolean
apply_one (const Property *property, rd_kafka_conf_t *conf, GError **error)
{
  g_autofree char *found = value_of (property, error);

  return found != NULL && set_one (conf, property->name, found, error);
}

gboolean
weir_kafka_properties_apply (const WeirKafkaProperties *properties, WeirKafkaRole role, rd_kafka_conf_t *conf,
                             GError **error)
{
  for (guint i = 0; i < properties->all->len; i++) {
    const Property *property = &g_array_index (properties->all, Property, i);

    if ((property->roles & role) != 0 && !apply_one (property, conf, error))
      return FALSE;
  }
  return TRUE;
}
