UNIT_TESTS += \
	tests/unit/dag/plan_test.c
