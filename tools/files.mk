# Generated pages: `make gen` writes them, tests/lint/generated.sh fails when one is behind its source.
$(B)/tools/states: $(B)/obj/tools/states.o $(call lib,state base)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(WF_LDFLAGS) -o $@ $< $(call lib,state base) -ljansson
ALL_OBJ += $(B)/obj/tools/states.o

.PHONY: gen
gen: $(B)/tools/states ## write the generated pages of docs/design again
	$(Q)$(B)/tools/states > docs/design/001-states-and-events.md
