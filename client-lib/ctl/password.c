/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A password on its way: from the terminal into a pipe, kept nowhere.
 */
#include "password.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum
{
  PASSWORD_MAX = 4096, /* what the daemon takes; fits into a pipe at once */
};

static void
interrupt (int number)
{
  /* only to make read() return */
}

/* A line without its newline; the length, or a negative errno. Byte by byte: what
 * comes after the line is not ours. */
static int
read_line (int fd, char *buffer, int size)
{
  int length = 0;

  while (length < size)
    {
      ssize_t n = read (fd, buffer + length, 1);

      if (n < 0)
        return -errno;
      if (n == 0 || buffer[length] == '\n')
        return length;
      length++;
    }
  return -EMSGSIZE;
}

static int
read_from_terminal (const char *account, char *buffer, int size)
{
  struct sigaction action = { .sa_handler = interrupt }; /* no SA_RESTART */
  struct sigaction int_before, term_before;
  struct termios before, silent;
  int r;

  if (tcgetattr (STDIN_FILENO, &before) < 0)
    return -errno;
  silent = before;
  silent.c_lflag &= ~(tcflag_t) ECHO;
  sigaction (SIGINT, &action, &int_before);
  sigaction (SIGTERM, &action, &term_before);

  fprintf (stderr, "Password for %s: ", account);
  if (tcsetattr (STDIN_FILENO, TCSAFLUSH, &silent) < 0)
    r = -errno;
  else
    {
      r = read_line (STDIN_FILENO, buffer, size);
      tcsetattr (STDIN_FILENO, TCSAFLUSH, &before);
    }
  fputc ('\n', stderr);
  sigaction (SIGINT, &int_before, NULL);
  sigaction (SIGTERM, &term_before, NULL);
  return r;
}

int
ctl_password_read (const char *account)
{
  char buffer[PASSWORD_MAX];
  int fds[2];
  int r;

  if (isatty (STDIN_FILENO))
    r = read_from_terminal (account, buffer, sizeof buffer);
  else
    r = read_line (STDIN_FILENO, buffer, sizeof buffer);
  if (r == 0)
    r = -ENODATA;
  if (r > 0)
    {
      int length = r;

      r = pipe2 (fds, O_CLOEXEC) < 0 ? -errno : fds[0];
      if (r >= 0)
        {
          if (write (fds[1], buffer, length) != length)
            {
              r = -EIO;
              close (fds[0]);
            }
          close (fds[1]);
        }
    }
  explicit_bzero (buffer, sizeof buffer);
  return r;
}
