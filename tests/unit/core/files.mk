UNIT_TESTS += \
	tests/unit/core/config_test.c \
	tests/unit/core/explain_test.c \
	tests/unit/core/schedule_test.c \
	tests/unit/core/takeover_test.c \
	tests/unit/core/view_test.c
