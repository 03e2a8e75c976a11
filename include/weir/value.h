/* Values: what streams are made of. One tagged value, 16 bytes, passed by value in two registers.
 *
 * The layout is frozen: programs inline it. Functions marked `inline` are instantiated once in the library
 * (engine/value.c), which is where their documentation stands.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/macros.h>

G_BEGIN_DECLS

typedef struct _WeirTask WeirTask;

typedef enum { WEIR_NIL, WEIR_BOOL, WEIR_INT, WEIR_FLOAT, WEIR_TEXT, WEIR_BYTES, WEIR_PAIR, WEIR_LIST } WeirKind;

/* BORROWED: what the value points to may go away as soon as the call that it is handed to returns. A
 * container that is not borrowed holds nothing that is. CELLS marks pairs, so that emit finds both by one
 * test. */
enum { WEIR_VALUE_BORROWED = 1, WEIR_VALUE_CELLS = 2 };

typedef struct _WeirValue WeirValue;
struct _WeirValue {
  union {
    gint64 integer;         /* INT, BOOL */
    gdouble number;         /* FLOAT */
    const char *data;       /* TEXT, BYTES */
    const WeirValue *cells; /* PAIR: key and value; LIST: items */
    guint64 bits;
  };
  guint32 size; /* TEXT, BYTES: bytes; LIST: items; else 0 */
  guint8 kind;
  guint8 flags;
  guint16 reserved; /* 0 */
};

#define WEIR_VALUE_INIT(member, v, n, k, f) ((WeirValue){ { .member = (v) }, (n), (k), (f), 0 })

#ifdef __cplusplus
#define WEIR_CELLS(...) (std::initializer_list<WeirValue> __VA_ARGS__).begin ()
#else
#define WEIR_CELLS(...) ((const WeirValue[]) __VA_ARGS__)
#endif
#define WEIR_PAIR_OF(k, v) weir_pair_at (WEIR_CELLS ({ (k), (v) }))
#define WEIR_LIST_OF(...)                                                                                              \
  weir_list_at (WEIR_CELLS ({ __VA_ARGS__ }), sizeof (WEIR_CELLS ({ __VA_ARGS__ })) / sizeof (WeirValue))

WEIR_API WeirValue weir_value_oversized (gsize size);
WEIR_API WeirValue weir_pair (WeirTask *task, WeirValue key, WeirValue value);
WEIR_API WeirValue weir_list (WeirTask *task, const WeirValue *items, gsize n_items);
WEIR_API WeirValue weir_copy (WeirTask *task, WeirValue value);

WEIR_API gboolean weir_equal (WeirValue a, WeirValue b);
WEIR_API gint weir_compare (WeirValue a, WeirValue b);
WEIR_API guint64 weir_hash (WeirValue v);
WEIR_API char *weir_to_string (WeirValue v);
WEIR_API gboolean weir_text_field (WeirValue text, char separator, gsize index, WeirValue *field);
WEIR_API gboolean weir_parse_int (WeirValue text, gint64 *value);
WEIR_API gboolean weir_parse_float (WeirValue text, gdouble *value);
WEIR_API const char *weir_cstr (WeirTask *task, WeirValue text);
WEIR_API void weir_encode (WeirValue v, GByteArray *out);
WEIR_API gboolean weir_decode (WeirTask *task, gconstpointer data, gsize size, WeirValue *v, GError **error);

inline WeirValue
weir_nil (void)
{
  return WEIR_VALUE_INIT (integer, 0, 0, WEIR_NIL, 0);
}

inline WeirValue
weir_bool (gboolean b)
{
  return WEIR_VALUE_INIT (integer, b != FALSE, 0, WEIR_BOOL, 0);
}

inline WeirValue
weir_int (gint64 i)
{
  return WEIR_VALUE_INIT (integer, i, 0, WEIR_INT, 0);
}

inline WeirValue
weir_float (gdouble f)
{
  return WEIR_VALUE_INIT (number, f, 0, WEIR_FLOAT, 0);
}

/* As two words, because compilers take apart and put together again what comes from two places field by field; NIL is
 * zeros. Little-endian, as the engine is. */
inline WeirValue
weir_value_sized (gconstpointer data, gsize size, WeirKind kind)
{
  guint64 size_and_tag = (guint32) size | (guint64) kind << 32 | (guint64) WEIR_VALUE_BORROWED << 40;
  WeirValue value;

  value.data = (const char *) data;
  if (G_UNLIKELY (size > G_MAXUINT32)) {
    weir_value_oversized (size);
    value.data = NULL;
    size_and_tag = 0;
  }
  __builtin_memcpy (&value.size, &size_and_tag, sizeof size_and_tag);
  return value;
}

inline WeirValue
weir_text_n (const char *data, gsize size)
{
  return weir_value_sized (data, size, WEIR_TEXT);
}

inline WeirValue
weir_text (const char *nul_terminated)
{
  return weir_text_n (nul_terminated, __builtin_strlen (nul_terminated));
}

inline WeirValue
weir_bytes (gconstpointer data, gsize size)
{
  return weir_value_sized (data, size, WEIR_BYTES);
}

inline WeirValue
weir_pair_at (const WeirValue *key_and_value)
{
  return WEIR_VALUE_INIT (cells, key_and_value, 0, WEIR_PAIR, WEIR_VALUE_BORROWED | WEIR_VALUE_CELLS);
}

inline WeirValue
weir_list_at (const WeirValue *items, gsize n_items)
{
  return weir_value_sized (items, n_items, WEIR_LIST);
}

inline WeirKind
weir_kind (WeirValue v)
{
  return (WeirKind) v.kind;
}

inline gboolean
weir_is_nil (WeirValue v)
{
  return v.kind == WEIR_NIL;
}

G_END_DECLS

#include <weir/value-access.h>
#include <weir/text.h>
