UNIT_TESTS += \
	tests/unit/cli/args_test.c \
	tests/unit/cli/picture_test.c \
	tests/unit/cli/term_test.c \
	tests/unit/cli/where_test.c
