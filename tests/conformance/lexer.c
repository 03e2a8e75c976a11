/* Owns the cutting of phrases into tokens. Must not know what they mean. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/conformance/lexer.h"

#include <string.h>

#include <gio/gio.h>

static void
token_clear (gpointer data)
{
  g_free (((Token *) data)->text);
}

static const char *
end_of_name (const char *at)
{
  while (g_ascii_isalnum (*at) || *at == '_')
    at++;
  return at;
}

static const char *
end_of_number (const char *at)
{
  while (g_ascii_isdigit (*at))
    at++;
  if (*at != '.' || !g_ascii_isdigit (at[1]))
    return at;
  for (at++; g_ascii_isdigit (*at);)
    at++;
  return at;
}

/* Longer signs first, so that `->` is not a minus. */
static const char *
end_of_sign (const char *at)
{
  static const char *const signs[] = { "->", "=>", "==", "!=", "<=", ">=", "&&", "||", "//", "**" };

  for (gsize i = 0; i < G_N_ELEMENTS (signs); i++)
    if (g_str_has_prefix (at, signs[i]))
      return at + strlen (signs[i]);
  return strchr ("()[]+-*/%<>,.:;!?=&|", *at) != NULL ? at + 1 : NULL;
}

static void
add (Lexer *lexer, TokenKind kind, const char *from, const char *until)
{
  Token token = { kind, g_strndup (from, (gsize) (until - from)) };

  g_array_append_val (lexer->tokens, token);
}

/* The place behind the token that begins at @at; NULL: there is none. */
static const char *
add_next (Lexer *lexer, const char *at)
{
  const char *end;

  if (*at == '\'' || *at == '"') {
    end = strchr (at + 1, *at);
    if (end != NULL)
      add (lexer, TOKEN_TEXT, at + 1, end);
    return end != NULL ? end + 1 : NULL;
  }
  if (g_ascii_isdigit (*at)) {
    add (lexer, TOKEN_NUMBER, at, end = end_of_number (at));
    return end;
  }
  if (g_ascii_isalpha (*at) || *at == '_') {
    add (lexer, TOKEN_NAME, at, end = end_of_name (at));
    return end;
  }
  end = end_of_sign (at);
  if (end != NULL)
    add (lexer, TOKEN_SIGN, at, end);
  return end;
}

gboolean
lexer_init (Lexer *lexer, const char *phrase, GError **error)
{
  const char *at = phrase;

  lexer->tokens = g_array_new (FALSE, FALSE, sizeof (Token));
  g_array_set_clear_func (lexer->tokens, token_clear);
  lexer->next = 0;
  while (at != NULL && *(at += strspn (at, " \t\n")) != '\0') {
    const char *end = add_next (lexer, at);

    if (end == NULL) {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "'%s': cannot be read from '%s' on", phrase, at);
      return FALSE;
    }
    at = end;
  }
  add (lexer, TOKEN_END, at, at);
  return TRUE;
}

void
lexer_clear (Lexer *lexer)
{
  g_array_unref (lexer->tokens);
}

const Token *
lexer_ahead (const Lexer *lexer, guint n)
{
  return &g_array_index (lexer->tokens, Token, MIN (lexer->next + n, lexer->tokens->len - 1));
}

const Token *
lexer_peek (const Lexer *lexer)
{
  return lexer_ahead (lexer, 0);
}

const Token *
lexer_take (Lexer *lexer)
{
  const Token *token = lexer_peek (lexer);

  if (token->kind != TOKEN_END)
    lexer->next++;
  return token;
}

gboolean
lexer_is (const Lexer *lexer, const char *text)
{
  const Token *token = lexer_peek (lexer);

  return (token->kind == TOKEN_NAME || token->kind == TOKEN_SIGN) && g_str_equal (token->text, text);
}

gboolean
lexer_skip (Lexer *lexer, const char *text)
{
  gboolean is_it = lexer_is (lexer, text);

  if (is_it)
    lexer_take (lexer);
  return is_it;
}

gboolean
lexer_at_end (const Lexer *lexer)
{
  return lexer_peek (lexer)->kind == TOKEN_END;
}
