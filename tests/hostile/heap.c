/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Preloaded into the daemon under test: answers whoever connects to $FARDEL_HEAP
 * with the bytes in use on the heap, after giving back to the kernel what is not.
 * So a leak of one small object shows, without noise.
 */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void *
answer (void *data)
{
  int listener = (int) (long) data, fd;

  while ((fd = accept4 (listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
    {
      struct mallinfo2 info;
      char text[64];
      int length;

      malloc_trim (0);
      info = mallinfo2 ();
      length = snprintf (text, sizeof text, "%zu\n", info.uordblks + info.hblkhd);
      if (write (fd, text, length) < 0)
        perror ("heap");
      close (fd);
    }
  return NULL;
}

__attribute__ ((constructor)) static void
start (void)
{
  const char *path = getenv ("FARDEL_HEAP");
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int listener = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sigset_t all, before;
  pthread_t thread;

  if (!path || strlen (path) >= sizeof address.sun_path)
    return;
  strcpy (address.sun_path, path);
  unsetenv ("FARDEL_HEAP");
  unsetenv ("LD_PRELOAD"); /* not in children */

  /* the signals are the daemon's */
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  if (bind (listener, (struct sockaddr *) &address, sizeof address) < 0 || listen (listener, 1) < 0
      || pthread_create (&thread, NULL, answer, (void *) (long) listener) != 0)
    perror ("heap");
  pthread_sigmask (SIG_SETMASK, &before, NULL);
}
