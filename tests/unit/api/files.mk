UNIT_TESTS += \
	tests/unit/api/router_test.c
