/* The WEIR_ERROR domain and the two questions asked of an error: may it pass by itself, and with what status
 * does the program end. Knows nothing of who raises the errors. No state; any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/error.h>

#include <errno.h>
#include <stdio.h>

/**
 * weir_error_quark:
 *
 * The domain of the errors of this library; write it %WEIR_ERROR. The code is a #WeirError. Any thread.
 *
 * Returns: the quark of the domain
 */
GQuark
weir_error_quark (void)
{
  return g_quark_from_static_string ("weir-error-quark");
}

/**
 * weir_error_is_retriable:
 * @error: (nullable): an error of any domain
 *
 * Tells whether doing the same again, with nothing changed, may succeed because the cause lies outside the
 * program and can pass by itself: a peer that is away (%WEIR_ERROR_SOURCE, %WEIR_ERROR_SINK), a time-out
 * (%WEIR_ERROR_TIMEOUT), a checkpoint that another process still holds (%WEIR_ERROR_CHECKPOINT_LOCKED).
 * Whoever starts the program again should wait longer after each failure. Does not block; any thread.
 *
 * Returns: %TRUE if a retry is worth while; %FALSE for %NULL and for other domains
 */
gboolean
weir_error_is_retriable (const GError *error)
{
  if (error == NULL || error->domain != WEIR_ERROR)
    return FALSE;
  switch ((WeirError) error->code) {
  case WEIR_ERROR_SOURCE:
  case WEIR_ERROR_SINK:
  case WEIR_ERROR_CHECKPOINT_LOCKED:
  case WEIR_ERROR_TIMEOUT:
    return TRUE;
  default:
    return FALSE;
  }
}

/**
 * weir_exit_with_error:
 * @error: an error, usually of weir_context_parse_args() or weir_context_run()
 *
 * What the last line of a failing main() returns. Prints "program: message" to standard error, as the bytes
 * stand, whatever the locale. %WEIR_ERROR_HELP is no failure: its text was printed already, so nothing is
 * printed and the status is 0. Does not exit and does not free @error. Any thread.
 *
 * Returns: the status to end the program with: 0 for %WEIR_ERROR_HELP, else 1
 */
int
weir_exit_with_error (const GError *error)
{
  g_return_val_if_fail (error != NULL, 1);

  if (g_error_matches (error, WEIR_ERROR, WEIR_ERROR_HELP))
    return 0;
  const char *program = g_get_prgname ();
  fprintf (stderr, "%s: %s\n", program != NULL ? program : program_invocation_short_name, error->message);
  return 1;
}
