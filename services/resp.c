/* resp.c - owns the bytes of the Redis protocol; knows no socket and no meaning of a reply. */
#include "services/resp.h"

#include <string.h>

#include "services/render.h"

enum { DEPTH = 8 };

void resp_command(struct wf_buf *out, json_t *words)
{
	size_t i;
	json_t *word;

	wf_buf_printf(out, "*%zu\r\n", json_array_size(words));
	json_array_foreach (words, i, word) {
		char *text = render_word(word);

		wf_buf_printf(out, "$%zu\r\n%s\r\n", strlen(text), text);
		free(text);
	}
}

/* The line at *p without its CRLF; NULL when it is not whole. *p moves behind it. */
static const char *line(const char **p, const char *end, size_t *n)
{
	const char *start = *p, *cr = memmem(start, (size_t)(end - start), "\r\n", 2);

	if (!cr)
		return NULL;
	*n = (size_t)(cr - start);
	*p = cr + 2;
	return start;
}

/* A decimal number that fills s[0..n); -1 in *v is nil. */
static int number(const char *s, size_t n, long *v)
{
	size_t i = n && s[0] == '-';
	long total = 0;

	if (i == n || n > 10)
		return -1;
	for (; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		total = total * 10 + (s[i] - '0');
	}
	*v = s[0] == '-' ? -total : total;
	return 0;
}

static enum resp_outcome reply(const char **p, const char *end, struct wf_buf *text, int depth)
{
	enum resp_outcome got = RESP_REPLY;
	const char *s;
	size_t n;
	long count;

	if (depth > DEPTH)
		return RESP_MALFORMED;
	s = line(p, end, &n);
	if (!s)
		return RESP_MORE;
	if (n == 0)
		return RESP_MALFORMED;
	switch (s[0]) {
	case '+':
	case ':':
		wf_buf_add(text, s + 1, n - 1);
		return RESP_REPLY;
	case '-':
		wf_buf_add(text, s + 1, n - 1);
		return RESP_ERROR;
	case '$':
		if (number(s + 1, n - 1, &count) < 0 || count > RESP_REPLY_MAX)
			return RESP_MALFORMED;
		if (count < 0)
			return RESP_REPLY;
		if (end - *p < count + 2)
			return RESP_MORE;
		if ((*p)[count] != '\r' || (*p)[count + 1] != '\n')
			return RESP_MALFORMED;
		wf_buf_add(text, *p, (size_t)count);
		*p += count + 2;
		return RESP_REPLY;
	case '*':
		if (number(s + 1, n - 1, &count) < 0 || count > RESP_REPLY_MAX)
			return RESP_MALFORMED;
		for (long i = 0; i < count && got == RESP_REPLY; i++) {
			if (i)
				wf_buf_char(text, ' ');
			got = reply(p, end, text, depth + 1);
		}
		return got;
	default:
		return RESP_MALFORMED;
	}
}

enum resp_outcome resp_reply(const char *p, size_t n, struct wf_buf *text)
{
	wf_buf_clear(text);
	wf_buf_add(text, "", 0);
	return reply(&p, p + n, text, 0);
}
