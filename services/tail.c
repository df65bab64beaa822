/* tail.c - owns reading back the member's output for a person's sentence; decides nothing. */
#include "services/tail.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TAIL_MAX = 4096, LINES_MAX = 3, SAID_MAX = 400 };

int tail_open_log(int fd)
{
	struct stat st;
	char path[32];

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -1;
	/* Opened anew: our own position, and readable whatever `fd` was opened for. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

off_t tail_log_size(int log_fd)
{
	struct stat st;

	return log_fd >= 0 && fstat(log_fd, &st) == 0 ? st.st_size : 0;
}

/* The last TAIL_MAX bytes at or after `from`, NUL-terminated; what is no text is blanked. */
static size_t read_tail(int log_fd, off_t from, char *text)
{
	off_t size = tail_log_size(log_fd);
	ssize_t n;

	if (size - from > TAIL_MAX)
		from = size - TAIL_MAX;
	n = log_fd >= 0 && size > from ? pread(log_fd, text, TAIL_MAX, from) : 0;
	if (n < 0)
		n = 0;
	for (ssize_t i = 0; i < n; i++)
		if (((unsigned char)text[i] < 0x20 && text[i] != '\n') || text[i] == 0x7f)
			text[i] = ' ';
	text[n] = '\0';
	return (size_t)n;
}

void tail_of_log(int log_fd, off_t from, struct wf_buf *out)
{
	char text[TAIL_MAX + 1], *lines[LINES_MAX] = { 0 };
	size_t n = read_tail(log_fd, from, text), count = 0;

	while (n && count < LINES_MAX) {
		char *start;

		while (n && (text[n - 1] == '\n' || text[n - 1] == ' '))
			text[--n] = '\0';
		if (!n)
			break;
		start = memrchr(text, '\n', n);
		start = start ? start + 1 : text;
		while (*start == ' ')
			start++;
		lines[count++] = start;
		n = (size_t)(start - text);
	}
	while (count--)
		wf_buf_printf(out, "%s%.*s", out->len ? " | " : "", SAID_MAX / LINES_MAX, lines[count]);
}

int tail_says_in_use(int log_fd, off_t from)
{
	char text[TAIL_MAX + 1];

	read_tail(log_fd, from, text);
	return strcasestr(text, "address already in use") || strcasestr(text, "address in use") || strstr(text, "EADDRINUSE");
}
