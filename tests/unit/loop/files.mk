UNIT_TESTS += \
	tests/unit/loop/loop_test.c
