/* id.c - owns the id alphabet and layout; knows nothing of what an id names. */
#include "engine/base/id.h"

#include <ctype.h>
#include <string.h>

#include "engine/base/os.h"

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

void wf_id_make(struct wf_id *id, struct wf_os *os)
{
	uint64_t ms = (uint64_t)wf_os_wall_ms(os);

	for (int i = 0; i < 6; i++)
		id->byte[i] = (uint8_t)(ms >> (8 * (5 - i)));
	wf_os_random(os, id->byte + 6, 10);
}

void wf_id_text(const struct wf_id *id, char text[WF_ID_TEXT + 1])
{
	/* 26 characters hold 130 bits: the first carries only 3. */
	for (int i = 0; i < WF_ID_TEXT; i++) {
		int low = (WF_ID_TEXT - 1 - i) * 5, v = 0;

		for (int k = 4; k >= 0; k--) {
			int bit = low + k;

			v <<= 1;
			if (bit < 128)
				v |= id->byte[15 - bit / 8] >> (bit % 8) & 1;
		}
		text[i] = alphabet[v];
	}
	text[WF_ID_TEXT] = '\0';
}

static int digit(char c)
{
	const char *at = c ? strchr(alphabet, tolower((unsigned char)c)) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

int wf_id_parse(struct wf_id *id, const char *text)
{
	struct wf_id out = { { 0 } };

	if (strlen(text) != WF_ID_TEXT || digit(text[0]) > 7)
		return -1;
	for (int i = 0; i < WF_ID_TEXT; i++) {
		int low = (WF_ID_TEXT - 1 - i) * 5, v = digit(text[i]);

		if (v < 0)
			return -1;
		for (int k = 0; k < 5; k++)
			if (v >> k & 1)
				out.byte[15 - (low + k) / 8] |= (uint8_t)(1 << ((low + k) % 8));
	}
	*id = out;
	return 0;
}

int wf_id_equal(const struct wf_id *a, const struct wf_id *b)
{
	return memcmp(a->byte, b->byte, sizeof(a->byte)) == 0;
}

int wf_id_is_suffix(const char *s)
{
	size_t n = 0;

	for (; s[n]; n++)
		if (digit(s[n]) < 0)
			return 0;
	return n >= 1 && n <= WF_ID_TEXT;
}
