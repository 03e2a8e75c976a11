/* sqlite_sales DATABASE: sums up what each shop sells, batch by batch, into a table of a SQLite database.
 *
 * Shows a sink of one's own that is exactly once by the id of a batch. A batch that comes again after a crash has the
 * id and the rows that it had; the transaction that writes the rows also writes the id, and is not made twice. The
 * sales are made up: sale number i belongs to shop i % 7 and has the amount i % 100.
 *
 *   sqlite_sales sales.db --rate=1000 --checkpoint=file:///var/tmp/sales
 *   sqlite3 sales.db 'SELECT shop, sum (amount) FROM sales GROUP BY shop'
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/connector.h>
#include <weir/weir.h>

#include <sqlite3.h>

#define PATIENCE_MS 10000 /* for another program's lock */

typedef struct {
  sqlite3 *db;
  sqlite3_stmt *begin, *remember, *insert, *commit, *rollback;
} Database;

static gboolean
fail (Database *database, const char *path, GError **error)
{
  int code = database->db != NULL ? sqlite3_errcode (database->db) : SQLITE_NOMEM;
  gboolean may_pass = code == SQLITE_BUSY || code == SQLITE_FULL || code == SQLITE_IOERR;

  g_set_error (error, WEIR_ERROR, may_pass ? WEIR_ERROR_SINK : WEIR_ERROR_FAILED, "database %s: %s", path,
               database->db != NULL ? sqlite3_errmsg (database->db) : "no memory");
  return FALSE;
}

static gboolean
prepare (Database *database, const char *text, sqlite3_stmt **statement)
{
  return sqlite3_prepare_v2 (database->db, text, -1, statement, NULL) == SQLITE_OK;
}

static gboolean
prepare_all (Database *database)
{
  return prepare (database, "BEGIN IMMEDIATE", &database->begin) &&
         prepare (database, "INSERT OR IGNORE INTO batches VALUES (?, ?, ?)", &database->remember) &&
         prepare (database, "INSERT INTO sales VALUES (?, ?, ?)", &database->insert) &&
         prepare (database, "COMMIT", &database->commit) && prepare (database, "ROLLBACK", &database->rollback);
}

static gboolean
database_open (WeirSink *sink, GError **error)
{
  const char *path = weir_sink_user_data (sink);
  Database *database = weir_sink_instance (sink);
  const char *schema = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                       "CREATE TABLE IF NOT EXISTS batches (job TEXT, output TEXT, time INTEGER,"
                       "  PRIMARY KEY (job, output, time)) WITHOUT ROWID;"
                       "CREATE TABLE IF NOT EXISTS sales (time INTEGER, shop INTEGER, amount INTEGER)";

  if (sqlite3_open (path, &database->db) != SQLITE_OK)
    return fail (database, path, error);
  sqlite3_busy_timeout (database->db, PATIENCE_MS);
  if (sqlite3_exec (database->db, schema, NULL, NULL, NULL) != SQLITE_OK || !prepare_all (database))
    return fail (database, path, error);
  return TRUE;
}

static void
database_close (WeirSink *sink)
{
  Database *database = weir_sink_instance (sink);

  sqlite3_finalize (database->begin);
  sqlite3_finalize (database->remember);
  sqlite3_finalize (database->insert);
  sqlite3_finalize (database->commit);
  sqlite3_finalize (database->rollback);
  sqlite3_close (database->db);
}

static gboolean
run (sqlite3_stmt *statement)
{
  gboolean ok = sqlite3_step (statement) == SQLITE_DONE;

  sqlite3_reset (statement);
  return ok;
}

/* Writes the batch's id. *is_new: it was not there. */
static gboolean
remember (Database *database, const WeirSinkBatch *batch, gboolean *is_new)
{
  gboolean ok;

  sqlite3_bind_text (database->remember, 1, batch->job, -1, SQLITE_TRANSIENT);
  sqlite3_bind_text (database->remember, 2, batch->output, -1, SQLITE_TRANSIENT);
  sqlite3_bind_int64 (database->remember, 3, batch->time);
  ok = run (database->remember);
  *is_new = sqlite3_changes (database->db) > 0;
  return ok;
}

static gboolean
insert (Database *database, WeirTime time, WeirValue sale)
{
  sqlite3_bind_int64 (database->insert, 1, time / 1000);
  sqlite3_bind_int64 (database->insert, 2, weir_as_int (weir_key (sale)));
  sqlite3_bind_int64 (database->insert, 3, weir_as_int (weir_val (sale)));
  return run (database->insert);
}

/* The class has no write (): the engine has kept the elements, and gives them back one by one. */
static gboolean
insert_all (Database *database, const WeirSinkBatch *batch, WeirNote *note, GError **error)
{
  GError *failure = NULL;
  WeirValue sale;

  while (weir_note_next (note, &sale, &failure))
    if (!insert (database, batch->time, sale))
      return FALSE;
  if (failure == NULL)
    return TRUE;
  g_propagate_error (error, failure);
  return FALSE;
}

static gboolean
database_commit (WeirSink *sink, const WeirSinkBatch *batch, WeirNote *note, GError **error)
{
  Database *database = weir_sink_instance (sink);
  GError *failure = NULL;
  gboolean is_new, ok;

  if (!run (database->begin))
    return fail (database, weir_sink_user_data (sink), error);
  ok = remember (database, batch, &is_new) && (!is_new || insert_all (database, batch, note, &failure)) &&
       run (database->commit);
  if (ok)
    return TRUE;
  if (failure != NULL)
    g_propagate_error (error, failure);
  else
    fail (database, weir_sink_user_data (sink), error);
  run (database->rollback); /* it may have been rolled back already */
  return FALSE;
}

static const WeirSinkClass database_class = {
  .name = "sqlite",
  .guarantee = WEIR_SINK_AT_ONCE,
  .instance_size = sizeof (Database),
  .open = database_open,
  .commit = database_commit,
  .close = database_close,
};

static WeirValue
make_sale (WeirTask *task, guint64 index, gpointer user_data)
{
  return weir_pair (task, weir_int ((gint64) (index % 7)), weir_int ((gint64) (index % 100)));
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("sqlite_sales", WEIR_SECONDS (1));
  gint rate = 100;
  const GOptionEntry options[] = { { "rate", 0, 0, G_OPTION_ARG_INT, &rate, "Sales a second (100)", "NUMBER" },
                                   { NULL } };

  weir_context_set_usage (ctx, "DATABASE");
  weir_context_add_options (ctx, options);
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);

  WeirStream *sales = weir_generator_stream (ctx, make_sale, rate, NULL);
  weir_stream_set_uid (sales, "sales");
  WeirStream *sums = weir_reduce_by_key (sales, WEIR_SUM, NULL);
  weir_output_set_uid (weir_output (sums, &database_class, argv[1]), "table");

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  return 0;
}
