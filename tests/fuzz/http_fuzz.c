/* http_fuzz.c - any bytes on the engine's socket, in one piece and in pieces
 *
 *     u8 n % 8, n cuts (256ths of the rest), the bytes
 *
 * Asserts: whatever is said, the engine goes on and never answers "internal error"; its answers are well formed, JSON where they say so;
 * what only looks gets the same first answer in however many pieces it is asked.
 */
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/os.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/served.h"

enum { CUTS_MAX = 8, TURNS_MAX = 200, PATIENCE_MS = 40 };

struct client {
	struct served *at;
	int fd;
	const uint8_t *text;
	size_t n, said;
	size_t cuts[CUTS_MAX];
	size_t cut_count, cut;
	int turns;                     /* that the server did not read what was said */
	int hung_up;
	struct wf_post turn;
	int posted;                    /* the turn is still to come */
	struct wf_timer patience;
	struct wf_poll *poll;
	struct wf_buf heard;
};

static void end(struct client *c)
{
	c->hung_up = 1;
	wf_loop_stop(c->at->loop);
}

static void on_patience(struct wf_timer *t)
{
	end(wf_container_of(t, struct client, patience));
}

static void on_readable(void *arg, int readable, int writable)
{
	struct client *c = arg;
	ssize_t n;

	(void)readable;
	(void)writable;
	n = recv(c->fd, wf_buf_room(&c->heard, 16384), 16384, MSG_DONTWAIT);
	if (n > 0) {
		c->heard.len += (size_t)n;
		c->heard.data[c->heard.len] = '\0';
		wf_timer_start(c->at->loop, &c->patience, PATIENCE_MS);
	} else if (!c->hung_up) {
		end(c);
	}
}

static void ask_turn(struct client *c)
{
	c->posted = 1;
	wf_loop_post(c->at->loop, &c->turn);
}

/* The next piece, once the server has read the one before; behind the last there is nothing more to come. */
static void on_turn(struct wf_post *p)
{
	struct client *c = wf_container_of(p, struct client, turn);
	size_t to = c->cut < c->cut_count ? c->cuts[c->cut] : c->n;
	int unread = 0;

	c->posted = 0;
	if (c->hung_up) {
		wf_loop_stop(c->at->loop);
		return;
	}
	if (ioctl(c->fd, SIOCOUTQ, &unread) == 0 && unread > 0 && c->turns++ < TURNS_MAX) {
		ask_turn(c);
		return;
	}
	c->turns = 0;
	if (to > c->said) {
		ssize_t n = send(c->fd, c->text + c->said, to - c->said, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0)
			c->said += (size_t)n;
		else
			c->said = c->n;
	}
	if (c->said >= to)
		c->cut++;
	if (c->said < c->n || c->cut <= c->cut_count) {
		ask_turn(c);
	} else {
		shutdown(c->fd, SHUT_WR);
		wf_timer_start(c->at->loop, &c->patience, PATIENCE_MS);
	}
}

static void exchange(struct client *c)
{
	struct wf_err err;

	c->at = served();
	c->fd = wf_unix_connect(c->at->socket_path, &err);
	MUST_SAY(c->fd >= 0, err.text);
	c->turn.fn = on_turn;
	c->patience.fn = on_patience;
	c->poll = wf_poll_create(c->at->loop, c->fd, on_readable, c);
	wf_poll_set(c->poll, 1, 0);
	ask_turn(c);
	wf_timer_start(c->at->loop, &c->patience, 10 * PATIENCE_MS);
	while (!c->hung_up || c->posted)
		wf_loop_run(c->at->loop);
	if (c->patience.armed)
		wf_timer_stop(c->at->loop, &c->patience);
	wf_poll_destroy(c->poll);
	close(c->fd);
}

/* ---- answers ---------------------------------------------------------------------------------------------------- */

static const char *header_of(const char *head, const char *end, const char *name, char value[128])
{
	const char *p = strcasestr(head, name);
	size_t n;

	if (!p || p > end)
		return NULL;
	p += strlen(name);
	n = strcspn(p, "\r");
	snprintf(value, 128, "%.*s", (int)n, p);
	return value;
}

/* Each answer in turn, as far as they came. Returns the first status that is one, 0 for none. */
static int check_answers(const struct client *c, int bodies)
{
	const char *p = wf_buf_cstr(&c->heard), *stop = p + c->heard.len;
	int first = 0;

	while (p < stop) {
		const char *end = strstr(p, "\r\n\r\n");
		char length[128], type[128];
		int status;
		size_t n;

		if (!end)
			break;
		MUST_SAY(strncmp(p, "HTTP/1.", 7) == 0 && p[8] == ' ', p);
		status = atoi(p + 9);
		MUST_SAY(status >= 100 && status < 600 && status != 500, p);
		if (status < 200) {
			p = end + 4;
			continue;
		}
		if (!first)
			first = status;
		if (!bodies)
			break;
		n = header_of(p, end, "\r\nContent-Length: ", length) ? strtoul(length, NULL, 10) : 0;
		header_of(p, end, "\r\nContent-Type: ", strcpy(type, ""));
		end += 4;
		/* Who hangs up on a malformed rest takes back what it had answered before. */
		if (n > (size_t)(stop - end))
			break;
		served_check(status, type, end, n);
		p = end + n;
	}
	return first;
}

static int has(const uint8_t *text, size_t n, const char *word)
{
	return memmem(text, n, word, strlen(word)) != NULL;
}

static int only_looks(const uint8_t *text, size_t n)
{
	return !has(text, n, "POST") && !has(text, n, "DELETE") && !has(text, n, "wait");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t start = fuzz_start();
	struct client whole = { 0 }, pieces = { 0 };
	size_t cuts = size ? data[0] % CUTS_MAX : 0;
	int first, again, bodies;

	if (size < 1 + cuts || size > FUZZ_INPUT_MAX || !served_is_harmless(data, size))
		return 0;
	whole.text = pieces.text = data + 1 + cuts;
	whole.n = pieces.n = size - 1 - cuts;
	bodies = !has(whole.text, whole.n, "HEAD");
	exchange(&whole);
	first = check_answers(&whole, bodies);
	served_done(first);
	if (cuts) {
		for (size_t i = 0, at = 0; i < cuts; i++) {
			at += (whole.n - at) * data[1 + i] / 256;
			pieces.cuts[pieces.cut_count++] = at;
		}
		exchange(&pieces);
		again = check_answers(&pieces, bodies);
		served_done(again);
		if (first && again && only_looks(whole.text, whole.n))
			MUST_SAY(first == again, wf_buf_cstr(&pieces.heard));
	}
	wf_buf_release(&whole.heard);
	wf_buf_release(&pieces.heard);
	fuzz_end(start);
	return 0;
}
