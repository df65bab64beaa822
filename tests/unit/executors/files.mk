UNIT_TESTS += \
	tests/unit/executors/attempt_test.c \
	tests/unit/executors/capacity_test.c \
	tests/unit/executors/journal_test.c
