agent_SRC := \
	executors/agent/serve.c

attempt_SRC := \
	executors/attempt/env.c \
	executors/attempt/fresh.c \
	executors/attempt/limits.c \
	executors/attempt/output.c \
	executors/attempt/result.c \
	executors/attempt/setup.c \
	executors/attempt/verdict.c

local_SRC := \
	executors/local/agent.c \
	executors/local/capacity.c \
	executors/local/control.c \
	executors/local/end.c \
	executors/local/facts.c \
	executors/local/journal.c \
	executors/local/launch.c \
	executors/local/reap.c \
	executors/local/sweep.c

PROGRAMS += wf-agent-local
wf-agent-local_MAIN := executors/local/main.c
wf-agent-local_FLOORS := local attempt agent link loop base
wf-agent-local_LIBS := -luv -ljansson -lpthread
