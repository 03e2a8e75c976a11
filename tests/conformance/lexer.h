/* Words and signs of a function's phrase, such as `x -> (x, 1)`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

typedef enum { TOKEN_END, TOKEN_NUMBER, TOKEN_TEXT, TOKEN_NAME, TOKEN_SIGN } TokenKind;

typedef struct {
  TokenKind kind;
  char *text; /* a TEXT without its quotes */
} Token;

typedef struct {
  GArray *tokens; /* of Token; the last is END */
  guint next;
} Lexer;

/* FALSE: a sign that means nothing here, or a quote that is not closed. Clear it either way. */
gboolean lexer_init (Lexer *lexer, const char *phrase, GError **error);
void lexer_clear (Lexer *lexer);

const Token *lexer_peek (const Lexer *lexer);
const Token *lexer_ahead (const Lexer *lexer, guint n); /* 0: the next one */
const Token *lexer_take (Lexer *lexer);
gboolean lexer_is (const Lexer *lexer, const char *text); /* the next is that name or sign */
gboolean lexer_skip (Lexer *lexer, const char *text);     /* and is taken if it is */
gboolean lexer_at_end (const Lexer *lexer);
