UNIT_TESTS += \
	tests/replay/replay_test.c \
	tests/unit/state/event_test.c \
	tests/unit/state/run_test.c \
	tests/unit/state/service_test.c \
	tests/unit/state/task_test.c
