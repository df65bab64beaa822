UNIT_TESTS += \
	tests/unit/api/http_test.c \
	tests/unit/api/router_test.c
