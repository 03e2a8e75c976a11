/* Functions as the cases write them: `x -> (x, 1)`, `(a, b) -> a + b`, `value != 0`, `state + 1 if exists else 1`.
 *
 * A function gets one value. Its names stand for that value, or for parts of it: `(k, (a, b))` for a pair whose value is
 * a pair. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/weir.h>

#include "tests/conformance/lexer.h"

typedef struct _Expression Expression;

/* @names: of a phrase without an arrow, such as "(a, b)". A name that is unknown is an error. */
Expression *expression_parse (const char *phrase, const char *names, GError **error);
/* The part of a phrase that the lexer stands at; what follows stays. */
Expression *expression_parse_part (Lexer *lexer, const char *names, GError **error);
void expression_free (Expression *expression);

/* In task memory, or in @argument. Any thread. */
WeirValue expression_evaluate (const Expression *expression, WeirTask *task, WeirValue argument);
/* As a condition: a name alone holds where there is anything, 0 included. */
gboolean expression_holds (const Expression *expression, WeirTask *task, WeirValue argument);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Expression, expression_free)
