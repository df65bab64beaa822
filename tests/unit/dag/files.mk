UNIT_TESTS += \
	tests/unit/dag/oracle_test.c \
	tests/unit/dag/plan_test.c
