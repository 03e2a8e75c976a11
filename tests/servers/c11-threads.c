/* Owns the C11 threads of a program under ThreadSanitizer, which librdkafka uses: by those of POSIX, which it can follow.
 * It does not know the C library's own ones, and crashes in a thread that it has not seen begin. In the C library each
 * type is that of POSIX under another name. Locks begin and end there, unseen: how librdkafka passes a new one on cannot
 * be seen either. Must not know who calls.
 *
 * Any thread. SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

#define SAME_LAYOUT(c11, posix) _Static_assert(sizeof (c11) == sizeof (posix) && _Alignof(c11) == _Alignof(posix), #c11)

SAME_LAYOUT (thrd_t, pthread_t);
SAME_LAYOUT (mtx_t, pthread_mutex_t);
SAME_LAYOUT (cnd_t, pthread_cond_t);

/* librdkafka is to find them here, before the C library's. */
#pragma GCC visibility push(default)

typedef struct {
  thrd_start_t run;
  void *data;
} Start;

static int
code_of (int error)
{
  if (error == EBUSY)
    return thrd_busy;
  if (error == ETIMEDOUT)
    return thrd_timedout;
  if (error == ENOMEM)
    return thrd_nomem;
  return error == 0 ? thrd_success : thrd_error;
}

static void *
begin (void *data)
{
  Start start = *(Start *) data;

  free (data);
  return (void *) (intptr_t) start.run (start.data);
}

int
thrd_create (thrd_t *thread, thrd_start_t run, void *data)
{
  Start *start = malloc (sizeof *start);
  int error;

  if (start == NULL)
    return thrd_nomem;
  *start = (Start){ .run = run, .data = data };
  error = pthread_create (thread, NULL, begin, start);
  if (error != 0)
    free (start);
  return code_of (error);
}

int
thrd_join (thrd_t thread, int *result)
{
  void *value = NULL;
  int error = pthread_join (thread, &value);

  if (result != NULL)
    *result = (int) (intptr_t) value;
  return code_of (error);
}

int
mtx_lock (mtx_t *mutex)
{
  return code_of (pthread_mutex_lock ((pthread_mutex_t *) mutex));
}

int
mtx_trylock (mtx_t *mutex)
{
  return code_of (pthread_mutex_trylock ((pthread_mutex_t *) mutex));
}

int
mtx_unlock (mtx_t *mutex)
{
  return code_of (pthread_mutex_unlock ((pthread_mutex_t *) mutex));
}

int
cnd_signal (cnd_t *condition)
{
  return code_of (pthread_cond_signal ((pthread_cond_t *) condition));
}

int
cnd_broadcast (cnd_t *condition)
{
  return code_of (pthread_cond_broadcast ((pthread_cond_t *) condition));
}

int
cnd_wait (cnd_t *condition, mtx_t *mutex)
{
  return code_of (pthread_cond_wait ((pthread_cond_t *) condition, (pthread_mutex_t *) mutex));
}

int
cnd_timedwait (cnd_t *condition, mtx_t *mutex, const struct timespec *until)
{
  return code_of (pthread_cond_timedwait ((pthread_cond_t *) condition, (pthread_mutex_t *) mutex, until));
}

#pragma GCC visibility pop
