/* The spike behind docs/explanation/execution.md: how should a record get from a user's function into a hash table?
 *
 * Words of a Zipf corpus are counted by a user-written flat_map (called through a pointer, not inlined) in these ways:
 *   scalar   hand-written loop: memchr, open addressing, key pointers: the yardstick
 *   direct   one call per record from emit into the table
 *   chunk N  inline emit into columns of N elements, then hash all, prefetch all, probe all
 *   kernel   the recognised chain split | with_value(1) | sum: no call per record at all
 * Single thread, one process, everything in memory; usage: spike [MEGABYTES] [VOCABULARY].
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/task.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

extern inline WeirValue weir_int (gint64 i);
extern inline gboolean weir_text_next_token (WeirValue *rest, char separator, WeirValue *token);
extern inline gsize weir_text_span (const char *p, gsize size, char separator);
extern inline void weir_emit_pair (WeirTask *task, WeirValue key, WeirValue value);

typedef struct {
  guint64 lo, hi;
  gint64 sum;
  guint32 hash, meta;
} Slot; /* meta: size, 0 = free; G_MAXUINT32 = long: lo is a pointer, hi the size */
typedef struct {
  Slot *slots;
  guint shift;
  gsize capacity, n, limit;
} Table;
typedef struct {
  WeirTaskHead head;
  Table table;
  void (*full) (WeirTask *);
  gboolean direct;
} Task;

static const guint64 SEED_A = 0x9e3779b97f4a7c15, SEED_B = 0xd6e8feb86659fd93;
static double
now (void)
{
  struct timespec t;
  clock_gettime (CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}
gboolean
weir_text_next_blank_token (WeirValue *rest, WeirValue *token)
{
  (void) rest;
  (void) token;
  return FALSE;
}

static void *
big (gsize size)
{
  void *p = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  madvise (p, size, MADV_HUGEPAGE);
  return p;
}
static void
table_init (Table *t, guint log2)
{
  t->capacity = (gsize) 1 << log2;
  t->shift = 64 - log2;
  t->n = 0;
  t->limit = t->capacity * 5 / 8;
  t->slots = big ((t->capacity + 64) * sizeof (Slot));
}
static guint64
mask_words (const char *p, guint n, guint64 *hi)
{
  static const char masks[32]
      __attribute__ ((aligned (32))) = { -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1 };
  __m128i x;
  if (G_UNLIKELY (((guintptr) p & 4095) > 4080)) {
    guint64 w[2] = { 0, 0 };
    memcpy (w, p, n);
    *hi = w[1];
    return w[0];
  }
  x = _mm_and_si128 (_mm_loadu_si128 ((const __m128i *) p), _mm_loadu_si128 ((const __m128i *) (masks + 16 - n)));
  *hi = (guint64) _mm_cvtsi128_si64 (_mm_unpackhi_epi64 (x, x));
  return (guint64) _mm_cvtsi128_si64 (x);
}
static inline guint64
hash_words (guint64 lo, guint64 hi, guint64 n)
{
  unsigned __int128 m = (unsigned __int128) (lo ^ SEED_A) * (hi ^ SEED_B ^ n);
  return (guint64) m ^ (guint64) (m >> 64);
}
static guint64
hash_long (const char *p, gsize n)
{
  guint64 h = n, lo, hi;
  for (; n > 16; p += 16, n -= 16) {
    memcpy (&lo, p, 8);
    memcpy (&hi, p + 8, 8);
    h = hash_words (lo ^ h, hi, 16);
  }
  lo = mask_words (p, n, &hi);
  return hash_words (lo ^ h, hi, n);
}
static void table_grow (Table *t);
static void
table_add (Table *t, guint64 h, guint64 lo, guint64 hi, guint32 meta, gint64 v)
{
  Slot *s = t->slots + (h >> t->shift);
  guint32 tag = (guint32) h;
  for (;; s++) {
    if (s->meta == 0) {
      if (G_UNLIKELY (t->n >= t->limit || s >= t->slots + t->capacity + 63)) {
        table_grow (t);
        table_add (t, h, lo, hi, meta, v);
        return;
      }
      *s = (Slot){ lo, hi, v, tag, meta };
      t->n++;
      return;
    }
    if (meta != G_MAXUINT32
            ? (s->lo == lo) & (s->hi == hi) & (s->meta == meta)
            : s->meta == meta && s->hash == tag && s->hi == hi && memcmp ((char *) s->lo, (char *) lo, hi) == 0) {
      if (G_UNLIKELY (__builtin_add_overflow (s->sum, v, &s->sum)))
        abort ();
      return;
    }
  }
}
static guint64
slot_hash (const Slot *s)
{
  return s->meta == G_MAXUINT32 ? hash_long ((char *) s->lo, s->hi) : hash_words (s->lo, s->hi, s->meta);
}
static void
table_grow (Table *t)
{
  Table old = *t;
  table_init (t, 64 - old.shift + 2);
  for (Slot *s = old.slots; s < old.slots + old.capacity + 64; s++)
    if (s->meta)
      table_add (t, slot_hash (s), s->lo, s->hi, s->meta, s->sum);
  munmap (old.slots, (old.capacity + 64) * sizeof (Slot));
}
static inline void
key_of (WeirValue k, guint64 *h, guint64 *lo, guint64 *hi, guint32 *meta)
{
  if (G_LIKELY (k.size <= 16)) {
    *lo = mask_words (k.data, k.size, hi);
    *h = hash_words (*lo, *hi, k.size);
    *meta = k.size;
    return;
  }
  *lo = (guint64) k.data;
  *hi = k.size;
  *h = hash_long (k.data, k.size);
  *meta = G_MAXUINT32;
}
static void
chunk_full (WeirTask *task)
{
  Task *t = (Task *) task;
  guint n = t->head.n_elements;
  static guint64 h[4096], lo[4096], hi[4096];
  static guint32 meta[4096];
  for (guint i = 0; i < n; i++) {
    key_of (t->head.keys[i], &h[i], &lo[i], &hi[i], &meta[i]);
    __builtin_prefetch (t->table.slots + (h[i] >> t->table.shift));
  }
  for (guint i = 0; i < n; i++)
    table_add (&t->table, h[i], lo[i], hi[i], meta[i], t->head.values[i].integer);
  t->head.n_elements = 0;
}
static __attribute__ ((noinline)) void
direct_full (WeirTask *task)
{
  Task *t = (Task *) task;
  guint64 h, lo, hi;
  guint32 meta;
  key_of (t->head.keys[0], &h, &lo, &hi, &meta);
  table_add (&t->table, h, lo, hi, meta, t->head.values[0].integer);
  t->head.n_elements = 0;
}
void
weir_task_flush (WeirTask *task)
{
  ((Task *) task)->full (task);
}
void
weir_task_emit_pair_slow (WeirTask *task, WeirValue key, WeirValue value)
{
  (void) task;
  (void) key;
  (void) value;
  abort ();
}

static __attribute__ ((noinline)) void
user_flat_map (WeirTask *task, WeirValue line, gpointer user_data)
{
  WeirValue word;
  (void) user_data;
  while (weir_text_next_token (&line, ' ', &word))
    weir_emit_pair (task, word, weir_int (1));
}
static void (*volatile user_function) (WeirTask *, WeirValue, gpointer) = user_flat_map;

/* kernel: 64 bytes of separators at a time as a bit mask, tokens to arrays, then hash, prefetch, probe */
static inline guint64
mask64 (const char *p, __m128i w)
{
  guint64 m = 0;
  for (int i = 0; i < 4; i++)
    m |= (guint64) (guint) _mm_movemask_epi8 (_mm_cmpeq_epi8 (_mm_loadu_si128 ((const __m128i *) (p + 16 * i)), w))
         << (16 * i);
  return m;
}
static void
count_kernel (Task *t, const WeirValue *lines, gsize n_lines)
{
  enum { N = 512 };
  guint64 h[N], lo[N], hi[N];
  guint32 meta[N];
  guint n = 0;
  const __m128i blank = _mm_set1_epi8 (' ');
  for (gsize l = 0; l < n_lines; l++) {
    const char *p = lines[l].data, *end = p + lines[l].size;
    while (p < end) {
      gsize size;
      if (*p == ' ') {
        p++;
        continue;
      }
      size = weir_text_span (p, end - p, ' ');
      key_of ((WeirValue){ .data = p, .size = size }, &h[n], &lo[n], &hi[n], &meta[n]);
      __builtin_prefetch (t->table.slots + (h[n] >> t->table.shift));
      p += size + 1;
      if (++n == N) {
        for (guint i = 0; i < n; i++)
          table_add (&t->table, h[i], lo[i], hi[i], meta[i], 1);
        n = 0;
      }
    }
  }
  for (guint i = 0; i < n; i++)
    table_add (&t->table, h[i], lo[i], hi[i], meta[i], 1);
  (void) blank;
  (void) mask64;
}
typedef struct {
  const char *p;
  guint32 n;
  gint64 sum;
  guint64 h;
} Ref;
static gint64
scalar (const WeirValue *lines, gsize n_lines, gsize *distinct)
{
  gsize cap = 1 << 18, n = 0;
  Ref *r = calloc (cap, sizeof *r);
  gint64 total = 0;
  for (gsize l = 0; l < n_lines; l++) {
    const char *p = lines[l].data, *end = p + lines[l].size;
    while (p < end) {
      const char *q = memchr (p, ' ', end - p);
      guint64 h = 14695981039346656037u;
      gsize i;
      if (!q)
        q = end;
      for (const char *c = p; c < q; c++)
        h = (h ^ (guchar) *c) * 1099511628211u;
      for (i = h & (cap - 1);; i = (i + 1) & (cap - 1)) {
        if (!r[i].p) {
          r[i] = (Ref){ p, q - p, 1, h };
          n++;
          break;
        }
        if (r[i].h == h && r[i].n == (guint32) (q - p) && memcmp (r[i].p, p, q - p) == 0) {
          r[i].sum++;
          break;
        }
      }
      if (n * 2 > cap) {
        Ref *o = r;
        gsize oc = cap;
        cap *= 2;
        r = calloc (cap, sizeof *r);
        for (gsize k = 0; k < oc; k++)
          if (o[k].p) {
            i = o[k].h & (cap - 1);
            while (r[i].p)
              i = (i + 1) & (cap - 1);
            r[i] = o[k];
          }
        free (o);
      }
      p = q + 1;
    }
  }
  for (gsize i = 0; i < cap; i++)
    total += r[i].sum;
  *distinct = n;
  free (r);
  return total;
}
static gint64
table_total (Table *t)
{
  gint64 s = 0;
  for (gsize i = 0; i < t->capacity + 64; i++)
    if (t->slots[i].meta)
      s += t->slots[i].sum;
  return s;
}

int
main (int argc, char **argv)
{
  gsize size = (argc > 1 ? g_ascii_strtoll (argv[1], NULL, 10) : 100) * 1000000ul,
        vocabulary = argc > 2 ? g_ascii_strtoll (argv[2], NULL, 10) : 100000, used = 0, n_lines = 0,
        max_lines = size / 30;
  char *text = malloc (size + 64);
  WeirValue *lines = malloc (max_lines * sizeof *lines);
  double *cdf = malloc (vocabulary * sizeof *cdf), sum = 0;
  char (*words)[24] = malloc (vocabulary * 24);
  guint64 x = 88172645463325252u;
  gsize n_words = 0;
  for (gsize i = 0; i < vocabulary; i++) {
    sum += 1.0 / (i + 1);
    cdf[i] = sum;
  }
  for (gsize i = 0; i < vocabulary; i++) {
    int len;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    len = 2 + (x % 7) + (x >> 8) % 5 + (i > 1000 ? 1 : 0) + ((x >> 20) % 100 == 0 ? 9 : 0);
    for (int k = 0; k < len; k++) {
      x ^= x << 13;
      x ^= x >> 7;
      x ^= x << 17;
      words[i][k] = 'a' + x % 26;
    }
    words[i][len] = 0;
  }
  while (used + 400 < size && n_lines < max_lines) {
    int k;
    char *start = text + used;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    k = 5 + x % 11;
    for (int i = 0; i < k; i++) {
      double u;
      gsize a = 0, b = vocabulary - 1;
      x ^= x << 13;
      x ^= x >> 7;
      x ^= x << 17;
      u = (x >> 11) * 0x1p-53 * sum;
      while (a < b) {
        gsize m = (a + b) / 2;
        if (cdf[m] < u)
          a = m + 1;
        else
          b = m;
      }
      if (i)
        text[used++] = ' ';
      used += stpcpy (text + used, words[a]) - (text + used);
      n_words++;
    }
    lines[n_lines++] = (WeirValue){ .data = start, .size = text + used - start, .kind = WEIR_TEXT };
    text[used++] = '\n';
  }
  printf ("%zu bytes, %zu lines, %zu words\n", used, n_lines, n_words);
  for (int round = 0; round < 5; round++) {
    gsize distinct;
    double t0 = now (), base;
    gint64 total = scalar (lines, n_lines, &distinct);
    base = n_words / (now () - t0) / 1e6;
    printf ("scalar %.1f M/s (%zu) ", base, distinct);
    if (total != (gint64) n_words)
      abort ();
    int sizes[] = { 1, 64, 256, 512, 1024, 4096, 0 };
    for (int v = 0; v < 7; v++) {
      Task t = { .head = { .capacity = sizes[v], .has_keys = 1 }, .full = sizes[v] == 1 ? direct_full : chunk_full };
      t.head.keys = malloc (4096 * 16);
      t.head.values = malloc (4096 * 16);
      t0 = now ();
      table_init (&t.table, 12);
      if (sizes[v] == 0)
        count_kernel (&t, lines, n_lines);
      else {
        for (gsize i = 0; i < n_lines; i++)
          user_function ((WeirTask *) &t, lines[i], NULL);
        if (t.head.n_elements)
          t.full ((WeirTask *) &t);
      }
      double rate = n_words / (now () - t0) / 1e6;
      printf ("| %s%d %.1f = %.2f ",
              sizes[v] == 1 ? "direct "
              : sizes[v]    ? "chunk "
                            : "kernel ",
              sizes[v], rate, rate / base);
      if (table_total (&t.table) != (gint64) n_words || t.table.n != distinct)
        abort ();
      munmap (t.table.slots, (t.table.capacity + 64) * sizeof (Slot));
      free (t.head.keys);
      free (t.head.values);
    }
    printf ("\n");
  }
  return 0;
}
