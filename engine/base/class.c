/* class.c - owns the names of the attempt classes and nothing else. */
#include "engine/base/class.h"

#include <string.h>

static const struct {
	const char *name;
	int loss;
} classes[] = {
#define X(sym, nm, l) [sym] = { .name = nm, .loss = l },
	WF_CLASSES(X)
#undef X
};

const char *wf_class_name(enum wf_class c)
{
	return (unsigned)c < WF_CLASS_COUNT ? classes[c].name : "unknown";
}

int wf_class_of(const char *name)
{
	for (int i = 0; i < WF_CLASS_COUNT; i++)
		if (strcmp(classes[i].name, name) == 0)
			return i;
	return -1;
}

int wf_class_is_loss(enum wf_class c)
{
	return (unsigned)c < WF_CLASS_COUNT && classes[c].loss;
}
