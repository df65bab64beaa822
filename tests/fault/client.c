/* client.c - owns one request to the engine over its socket: plain HTTP, a connection each, so that a death is seen as a missing answer. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "engine/base/os.h"
#include "tests/fault/sweep.h"

enum { ANSWER_S = 15 };

static int open_socket(const char *socket)
{
	struct timeval patience = { ANSWER_S, 0 };
	struct wf_err err;
	int fd = wf_unix_connect(socket, &err);

	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static int send_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

		if (k <= 0)
			return -1;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

/* Until the other side closes: whole, or not at all. */
static void receive(int fd, struct wf_buf *b)
{
	ssize_t k;

	do {
		char *to = wf_buf_room(b, 65536);

		k = recv(fd, to, 65535, 0);
		b->len += k > 0 ? (size_t)k : 0;
		b->data[b->len] = '\0';
	} while (k > 0);
	if (k < 0)
		wf_buf_clear(b);
}

/* An acknowledgement counts when all of it came. */
static int read_answer(const struct wf_buf *b, json_t **answer)
{
	const char *text = wf_buf_cstr(b), *body = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "content-length:");

	if (!body || strncmp(text, "HTTP/1.1 ", 9) != 0)
		return -1;
	body += 4;
	if (length && length < body && b->len - (size_t)(body - text) < strtoul(length + 15, NULL, 10))
		return -1;
	*answer = json_loads(body, 0, NULL);
	return atoi(text + 9);
}

int client_ask(const char *socket, const char *method, const char *path, json_t *body, json_t **answer)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct wf_buf out = { 0 }, in = { 0 };
	int fd = open_socket(socket), rc = -1;

	*answer = NULL;
	if (fd < 0)
		goto out;
	wf_buf_printf(&out, "%s /api/v1%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", method, path);
	if (text)
		wf_buf_printf(&out, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(text));
	wf_buf_str(&out, "\r\n");
	if (text)
		wf_buf_str(&out, text);
	if (send_all(fd, out.data, out.len) == 0) {
		receive(fd, &in);
		rc = read_answer(&in, answer);
	}
out:
	if (fd >= 0)
		close(fd);
	free(text);
	wf_buf_release(&out);
	wf_buf_release(&in);
	return rc;
}

int client_reaches(const char *socket)
{
	struct wf_err err;
	int fd = wf_unix_connect(socket, &err);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}
