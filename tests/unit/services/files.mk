UNIT_TESTS += \
	tests/unit/services/driver_test.c
