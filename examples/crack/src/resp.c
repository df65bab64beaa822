/* Owns one connection and its two buffers. Does not know what the keys mean. */
#define _GNU_SOURCE
#include "resp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common.h"

#define SILENCE_S 30
#define STRING_MAX (1 << 20)

struct resp {
	int fd;
	char *out;
	size_t out_used, out_size;
	char in[1 << 16];
	size_t in_at, in_used;
};

/*
 * A unix socket's address holds 108 bytes and paths on clusters are longer: then the directory is
 * opened, and the socket reached through it.
 */
static void fill_address(struct sockaddr_un *to, const char *path, int *directory)
{
	const char *slash = strrchr(path, '/');
	char *parent;
	int n;

	*to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*directory = -1;
	if (strlen(path) < sizeof to->sun_path || !slash) {
		n = snprintf(to->sun_path, sizeof to->sun_path, "%s", path);
	} else {
		parent = text_of("%.*s", (int)(slash - path), path);
		*directory = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (*directory < 0)
			fail(EX_TEMPFAIL, "cannot open '%s': %s", parent, strerror(errno));
		free(parent);
		n = snprintf(to->sun_path, sizeof to->sun_path, "/proc/self/fd/%d%s", *directory,
			     slash);
	}
	if (n < 0 || (size_t)n >= sizeof to->sun_path)
		fail(EX_USAGE, "the name of the socket '%s' is too long", path);
}

struct resp *resp_open(const char *path)
{
	struct resp *r = allocate(1, sizeof *r);
	struct timeval silence = { .tv_sec = SILENCE_S };
	struct sockaddr_un to;
	int directory;

	r->out = NULL;
	r->out_used = r->out_size = r->in_at = r->in_used = 0;
	fill_address(&to, path, &directory);
	r->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (r->fd < 0 || connect(r->fd, (struct sockaddr *)&to, sizeof to) < 0)
		fail(EX_TEMPFAIL, "cannot reach the store at '%s': %s", path, strerror(errno));
	if (setsockopt(r->fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence) < 0 ||
	    setsockopt(r->fd, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof silence) < 0)
		fail(EX_OSERR, "cannot limit the wait for the store: %s", strerror(errno));
	if (directory >= 0)
		close(directory);
	return r;
}

void resp_close(struct resp *r)
{
	close(r->fd);
	free(r->out);
	free(r);
}

static void queue(struct resp *r, const char *bytes, size_t n)
{
	if (r->out_used + n > r->out_size) {
		r->out_size = (r->out_used + n) * 2;
		r->out = reallocate(r->out, r->out_size, 1);
	}
	memcpy(r->out + r->out_used, bytes, n);
	r->out_used += n;
}

void resp_send(struct resp *r, int argc, const char *const *argv)
{
	char head[32];
	int i;

	queue(r, head, (size_t)snprintf(head, sizeof head, "*%d\r\n", argc));
	for (i = 0; i < argc; i++) {
		queue(r, head, (size_t)snprintf(head, sizeof head, "$%zu\r\n", strlen(argv[i])));
		queue(r, argv[i], strlen(argv[i]));
		queue(r, "\r\n", 2);
	}
}

static void flush(struct resp *r)
{
	size_t at = 0;

	while (at < r->out_used) {
		ssize_t n = send(r->fd, r->out + at, r->out_used - at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			fail(EX_TEMPFAIL, "cannot write to the store: %s", strerror(errno));
		at += (size_t)n;
	}
	r->out_used = 0;
}

static int next_byte(struct resp *r)
{
	if (r->in_at == r->in_used) {
		ssize_t n;

		flush(r);
		do {
			n = recv(r->fd, r->in, sizeof r->in, 0);
		} while (n < 0 && errno == EINTR);
		if (n < 0)
			fail(EX_TEMPFAIL, "cannot read from the store: %s", strerror(errno));
		if (n == 0)
			fail(EX_TEMPFAIL, "the store closed the connection");
		r->in_at = 0;
		r->in_used = (size_t)n;
	}
	return (unsigned char)r->in[r->in_at++];
}

static void read_line(struct resp *r, char *line, size_t size)
{
	size_t n = 0;
	int c;

	while ((c = next_byte(r)) != '\r')
		if (n + 1 < size)
			line[n++] = (char)c;
	line[n] = '\0';
	if (next_byte(r) != '\n')
		fail(EX_TEMPFAIL, "the store does not speak the language of Redis");
}

/* Reads the first line of an answer of the given type and returns the number in it. */
static long read_head(struct resp *r, char type)
{
	char line[256], *end;
	long n;

	read_line(r, line, sizeof line);
	n = strtol(line + 1, &end, 10);
	if (line[0] != type || end == line + 1 || *end)
		fail(EX_TEMPFAIL, "the store answered '%s'", line);
	return n;
}

long resp_integer(struct resp *r)
{
	return read_head(r, ':');
}

int resp_list(struct resp *r, void (*take)(void *to, int index, const char *text), void *to)
{
	long count = read_head(r, '*'), n, i, k;
	char *text;

	for (i = 0; i < count; i++) {
		n = read_head(r, '$');
		if (n < 0 || n > STRING_MAX)
			fail(EX_TEMPFAIL, "the store answered a string of %ld bytes", n);
		text = allocate((size_t)n + 1, 1);
		for (k = 0; k < n; k++)
			text[k] = (char)next_byte(r);
		text[n] = '\0';
		if (next_byte(r) != '\r' || next_byte(r) != '\n')
			fail(EX_TEMPFAIL, "the store does not speak the language of Redis");
		take(to, (int)i, text);
		free(text);
	}
	return (int)count;
}
