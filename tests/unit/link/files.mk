UNIT_TESTS += \
	tests/unit/link/channel_test.c \
	tests/unit/link/output_test.c \
	tests/unit/link/wire_test.c
