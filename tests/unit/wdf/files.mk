UNIT_TESTS += \
	tests/unit/wdf/command_test.c \
	tests/unit/wdf/corpus_test.c \
	tests/unit/wdf/language_test.c \
	tests/unit/wdf/manual_test.c \
	tests/unit/wdf/source_test.c \
	tests/unit/wdf/wdf_test.c \
	tests/unit/wdf/wfformat_test.c \
	tests/unit/wdf/yaml_test.c

# Not a test itself: findings of files on the command line, for tests/lint/schema.sh and for people.
$(B)/test/tests/unit/wdf/wdf_check: $(B)/obj/tests/unit/wdf/wdf_check.o $(B)/lib/libwdf.a $(B)/lib/libbase.a
	@mkdir -p $(@D)
	@echo "  LD $@"
	$(Q)$(CC) $(CFLAGS) $(WF_LDFLAGS) -o $@ $^ $(TEST_LIBS)
ALL_OBJ += $(B)/obj/tests/unit/wdf/wdf_check.o

.PHONY: wdf-check
wdf-check: $(B)/test/tests/unit/wdf/wdf_check ## the findings of workflow files, as a program for tests
