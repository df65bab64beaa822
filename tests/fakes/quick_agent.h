/* quick_agent.h - an agent that has already done what it is asked for: measures the engine and the link, not tasks
 *
 * Every start of a step ends well at once, in one frame for all that came together; it starts nothing, and costs little however many there
 * are. It keeps its mark, and facts until they are acknowledged, as any agent does.
 *
 * After `hold` starts (0: never) it takes starts and ends none, until the next connection has asked for them: then those end, and all
 * later ones are held again. So an engine can be killed in the middle of a run, time after time. It logs "holds since US" when it begins
 * to, and "first start at US" for the first start of each connection, by the monotonic clock.
 */
#ifndef WF_TESTS_QUICK_AGENT_H
#define WF_TESTS_QUICK_AGENT_H

#include "engine/base/err.h"
#include "engine/base/os.h"
#include "engine/loop/loop.h"

struct quick_agent;

struct quick_agent *quick_agent_create(struct wf_loop *l, struct wf_os *os, uint32_t cores, uint64_t hold);
int quick_agent_listen(struct quick_agent *q, const char *path, struct wf_err *err);
void quick_agent_destroy(struct quick_agent *q);

#endif
