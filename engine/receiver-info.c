/* Owns what listeners are told of receivers. Must not know how receivers run. Threads: see listener.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/listener.h"

WeirReceiverInfo *
weir_receiver_info_copy (const WeirReceiverInfo *info)
{
  WeirReceiverInfo *copy = g_memdup2 (info, sizeof *info);

  copy->name = g_strdup (info->name);
  copy->stream = g_strdup (info->stream);
  copy->error = info->error != NULL ? g_error_copy (info->error) : NULL;
  return copy;
}

void
weir_receiver_info_clear (WeirReceiverInfo *info)
{
  g_clear_pointer (&info->name, g_free);
  g_clear_pointer (&info->stream, g_free);
  g_clear_error (&info->error);
}

void
weir_receiver_info_free (WeirReceiverInfo *info)
{
  weir_receiver_info_clear (info);
  g_free (info);
}

/**
 * weir_receiver_info_name:
 * @info: what a listener got
 *
 * Returns: (transfer none): the name of the receiver's class
 */
const char *
weir_receiver_info_name (const WeirReceiverInfo *info)
{
  return info->name;
}

/**
 * weir_receiver_info_stream:
 * @info: what a listener got
 *
 * Returns: (transfer none): the name of the receiver's stream, as errors call it
 */
const char *
weir_receiver_info_stream (const WeirReceiverInfo *info)
{
  return info->stream;
}

/**
 * weir_receiver_info_is_active:
 * @info: what a listener got
 *
 * Returns: whether it receives: from its start until it asks for a restart, fails or ends
 */
gboolean
weir_receiver_info_is_active (const WeirReceiverInfo *info)
{
  return info->is_active;
}

/**
 * weir_receiver_info_n_restarts:
 * @info: what a listener got
 *
 * Returns: how often it was started again, in vain or not
 */
guint
weir_receiver_info_n_restarts (const WeirReceiverInfo *info)
{
  return info->n_restarts;
}

/**
 * weir_receiver_info_error:
 * @info: what a listener got
 *
 * Returns: (transfer none) (nullable): the newest error: what its start said, or why it asked for a restart
 */
const GError *
weir_receiver_info_error (const WeirReceiverInfo *info)
{
  return info->error;
}

/**
 * weir_receiver_info_error_time:
 * @info: what a listener got
 *
 * Returns: when that was, by the wall clock; 0 if there was none
 */
WeirTime
weir_receiver_info_error_time (const WeirReceiverInfo *info)
{
  return info->error_time;
}
