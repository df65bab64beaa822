core_SRC := \
	engine/core/agents.c \
	engine/core/batch.c \
	engine/core/cancel.c \
	engine/core/config.c \
	engine/core/core.c \
	engine/core/decide.c \
	engine/core/derive.c \
	engine/core/effect.c \
	engine/core/explain.c \
	engine/core/heap.c \
	engine/core/messages.c \
	engine/core/owner.c \
	engine/core/post.c \
	engine/core/recover.c \
	engine/core/render.c \
	engine/core/resolve.c \
	engine/core/results.c \
	engine/core/retry.c \
	engine/core/runs.c \
	engine/core/schedule.c \
	engine/core/services.c \
	engine/core/submit.c \
	engine/core/view.c
