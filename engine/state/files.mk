state_SRC := \
	engine/state/attempt.c \
	engine/state/event.c \
	engine/state/event_json.c \
	engine/state/lease.c \
	engine/state/member.c \
	engine/state/run.c \
	engine/state/service.c \
	engine/state/sm.c \
	engine/state/task.c \
	engine/state/transfer.c
