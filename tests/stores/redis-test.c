/* The store of Redis servers, on a real one: what every store does, leases, lost data, restarts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>
#include <unistd.h>

#include <weir/error.h>

#include "tests/clients/redis-place.h"
#include "tests/stores/suite.h"

static RedisPlace place; /* for the tests that all stores share: they take prefixes of their own */

static char *
make_place (void)
{
  static guint n;
  g_autofree char *prefix = g_strdup_printf ("suite-%u", ++n);

  return redis_place_uri (&place, prefix);
}

static void
take_over (const char *uri)
{
  g_autofree char *key = g_strconcat (strstr (uri, "prefix=") + strlen ("prefix="), ":owner", NULL);

  g_free (redis_place_ask (&place, "DEL", key, NULL));
  g_free (redis_place_ask (&place, "HSET", key, "id", "another", "who", "process 1 on host elsewhere", NULL));
}

static const SuiteKind redis_kind = { "redis", make_place, take_over, NULL };

int
main (int argc, char **argv)
{
  int status;

  if (argc == 4 && g_str_equal (argv[1], "--work"))
    return script_main (argv[2], g_ascii_strtoull (argv[3], NULL, 10));
  g_test_init (&argc, &argv, NULL);
  if (!redis_place_start (&place))
    return 77;
  suite_add (&redis_kind);
  status = g_test_run ();
  redis_place_clear (&place);
  return status;
}
