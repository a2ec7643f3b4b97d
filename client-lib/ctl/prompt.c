/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Questions and answers. A password goes into a pipe and is kept nowhere.
 */
#include "prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
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
      if (n == 0 && length == 0)
        return -ENODATA;
      if (n == 0 || buffer[length] == '\n')
        return length;
      length++;
    }
  return -EMSGSIZE;
}

gboolean
ctl_can_ask (void)
{
  return isatty (STDIN_FILENO) && isatty (STDERR_FILENO);
}

int
ctl_ask (const char *question, gboolean echo, char *buffer, int size)
{
  struct sigaction action = { .sa_handler = interrupt }; /* no SA_RESTART */
  struct sigaction int_before, term_before;
  struct termios before, silent;
  int r;

  if (tcgetattr (STDIN_FILENO, &before) < 0)
    return -errno;
  silent = before;
  if (!echo)
    silent.c_lflag &= ~(tcflag_t) ECHO;
  sigaction (SIGINT, &action, &int_before);
  sigaction (SIGTERM, &action, &term_before);

  fputs (question, stderr);
  if (tcsetattr (STDIN_FILENO, echo ? TCSADRAIN : TCSAFLUSH, &silent) < 0)
    r = -errno;
  else
    {
      r = read_line (STDIN_FILENO, buffer, size);
      tcsetattr (STDIN_FILENO, echo ? TCSADRAIN : TCSAFLUSH, &before);
    }
  if (!echo || r < 0)
    fputc ('\n', stderr);
  sigaction (SIGINT, &int_before, NULL);
  sigaction (SIGTERM, &term_before, NULL);
  return r;
}

int
ctl_ask_yes_no (const char *question, gboolean otherwise)
{
  g_autofree char *text = g_strdup_printf ("%s [%s] ", question, otherwise ? _ ("Y/n") : _ ("y/N"));
  /* Translators: the letters that an answer of yes, or of no, begins with */
  const char *yes = _ ("yY");
  const char *no = _ ("nN");
  char buffer[16];
  int r;

  for (;;)
    {
      r = ctl_ask (text, TRUE, buffer, sizeof buffer);
      if (r == 0)
        return otherwise;
      if (r < 0 && r != -EMSGSIZE)
        return r;
      if (r > 0 && strchr (yes, buffer[0]))
        return TRUE;
      if (r > 0 && strchr (no, buffer[0]))
        return FALSE;
    }
}

int
ctl_ask_password (const char *account)
{
  g_autofree char *question = g_strdup_printf (_ ("Password for %s: "), account);
  char buffer[PASSWORD_MAX];
  int fds[2];
  int r;

  if (isatty (STDIN_FILENO))
    r = ctl_ask (question, FALSE, buffer, sizeof buffer);
  else
    r = read_line (STDIN_FILENO, buffer, sizeof buffer);
  if (r == 0)
    r = -ENOMSG;
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
