/* Owns how operators with a function of the job's become part of the graph. Before start, on the thread that builds it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/function.h"

WeirStream *
weir_stream_derive_function (WeirStream *parent, const WeirOpClass *klass, WeirFunction function)
{
  WeirFunction *params = g_new0 (WeirFunction, 1);
  WeirStream *stream;

  *params = function;
  stream = weir_stream_derive (parent, klass, params);
  if (function.any == NULL)
    weir_stream_mistake (stream, "needs a function, got NULL: pass one to weir_%s ()", klass->verb);
  return stream;
}
