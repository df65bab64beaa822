# The kill sweep: its driver, its checker and the program that its tasks and services are. None is installed.
FAULT_PROGRAMS := sweep check body
define fault_program
$$(B)/test/fault/$(1): $$(B)/obj/tests/fault/$(1).o $(2)
	@mkdir -p $$(@D)
	@echo "  LD $$@"
	$$(Q)$$(CC) $$(CFLAGS) $$(WF_LDFLAGS) -o $$@ $$^ $(3)
ALL_OBJ += $$(B)/obj/tests/fault/$(1).o
endef
$(eval $(call fault_program,body,,))
$(eval $(call fault_program,check,$$(B)/obj/tests/fault/decode.o $$(B)/obj/tests/fault/model.o,-lsqlite3))
$(eval $(call fault_program,sweep,$$(B)/obj/tests/fault/client.o $$(B)/obj/tests/fault/points.o $$(B)/obj/tests/fault/trial.o $$(B)/lib/libbase.a,-ljansson))
ALL_OBJ += $(addprefix $(B)/obj/tests/fault/,client.o decode.o model.o points.o trial.o)

.PHONY: fault-programs
fault-programs: all $(addprefix $(B)/test/fault/,$(FAULT_PROGRAMS))

# The system tests use them from whichever build has fault points.
unit: $(addprefix $(B)/test/fault/,$(FAULT_PROGRAMS))

FAULT_B := $(B)/faults
.PHONY: check-fault
check-fault: ## kill engine and agent at every fault point of a scenario; SWEEP=all takes every hit, SWEEP=N at most N, SEED=S another sample
	@$(MAKE) -s --no-print-directory fault-programs B=$(FAULT_B) FAULTS=1 DEVELOPER=1
	@$(FAULT_B)/test/fault/sweep $(if $(SWEEP),--take $(SWEEP)) $(if $(SEED),--seed $(SEED))
