/* Fuzz target for the agent link's decoder: any bytes, no crash, and what decodes can be read to its last string.
 *
 * clang -fsanitize=fuzzer,address -I. -D_GNU_SOURCE tests/fuzz/wire_fuzz.c engine/link/wire.c engine/base/{buf,err,hash}.c
 */
#include <stdint.h>
#include <string.h>

#include "engine/link/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t length_of(const char *s)
{
	return s ? strlen(s) : 0;
}

static size_t length_of_list(const char *const *list)
{
	size_t n = 0;

	for (; list && *list; list++)
		n += strlen(*list);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t sum = 0;
	struct wf_frame f;

	if (wf_wire_whole(data, size) != (int64_t)size)
		return 0;
	if (wf_wire_decode(&f, data, size, NULL) == 0) {
		for (uint32_t i = 0; f.type == WF_WIRE_START && i < f.count; i++)
			sum += length_of(f.start[i].name) + length_of(f.start[i].token) + length_of_list(f.start[i].argv) +
			       length_of_list(f.start[i].env) + length_of_list(f.start[i].outputs) +
			       (f.start[i].success_count ? (size_t)f.start[i].success_codes[f.start[i].success_count - 1] : 0);
		for (uint32_t i = 0; f.type == WF_WIRE_ENDED && i < f.count; i++)
			sum += length_of(f.ended[i].reason) + length_of(f.ended[i].result);
		if (f.type == WF_WIRE_HELLO)
			sum += length_of(f.hello->role) + length_of(f.hello->instance);
	}
	wf_frame_release(&f);
	return sum == (size_t)-1; /* used, so that nothing is optimised away */
}
