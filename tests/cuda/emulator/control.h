#pragma once
// The emulator seen from a test: settings, counters, injected failures, reports. A test finds pf_emulator_control() by
// dlsym in the loaded library (or links it) and gets everything else by its table. Plain C, so that it needs no header
// of the emulator.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pf_emulator_counters {
  uint64_t calls;          /* of the runtime and of cuBLAS that can fail */
  uint64_t launches;       /* kernels, outside of graphs */
  uint64_t graph_launches; /* graphs */
  uint64_t graph_kernels;  /* kernels that ran as nodes of graphs */
  uint64_t captured_nodes; /* calls that became nodes */
  uint64_t gemms;          /* matrix products by cuBLAS, outside of graphs */
  uint64_t tf32_gemms;     /* float32 ones that may round to TF32; computed in full here */
  uint64_t copies_to_device, copies_to_host, copies_on_device, fills;
  uint64_t bytes_to_device, bytes_to_host;
  uint64_t synchronisations; /* of streams, events, the device */
  uint64_t
      implicit_synchronisations;  /* calls that wait by themselves: cudaMemcpy, cudaFree, copies to pageable memory */
  uint64_t allocations, releases; /* of device memory */
  uint64_t host_allocations, host_releases;
  uint64_t bytes_in_use, most_bytes_in_use, live_allocations;
} pf_emulator_counters;

typedef struct pf_emulator_kernel_count {
  const char* name; /* lives as long as the library */
  uint64_t launches, graph_runs;
} pf_emulator_kernel_count;

/* What the checked build saw at one source line of one kernel. A request is one access of a warp. */
typedef struct pf_emulator_line {
  const char* kernel; /* valid until the next call of lines() */
  const char* line;
  int shared_memory, write;
  uint64_t requests;
  uint64_t units; /* 32-byte sectors of global memory; passes over the banks of shared memory */
  uint64_t ideal; /* the fewest units for the same bytes */
} pf_emulator_line;

/* What a kernel moved, over all its launches. */
typedef struct pf_emulator_traffic {
  const char* kernel; /* valid until the next call of traffic() */
  uint64_t launches;
  uint64_t sectors_read, sectors_written; /* requested, 32 bytes each */
  uint64_t bytes_read, bytes_written;     /* different bytes of global memory, launch by launch */
  uint64_t most_threads, most_shared;     /* of a block; bytes of shared memory that launches asked for */
} pf_emulator_traffic;

enum pf_emulator_order { PF_EMULATOR_FORWARD, PF_EMULATOR_REVERSE, PF_EMULATOR_RANDOM_ORDER };
enum pf_emulator_streams { PF_EMULATOR_LAZY, PF_EMULATOR_EAGER, PF_EMULATOR_RANDOM_STREAMS };

typedef struct pf_emulator_control_table {
  void (*set_order)(int order);
  void (*set_streams)(int mode);
  void (*set_seed)(uint64_t seed);
  void (*set_exit_on_fault)(int exit);
  void (*set_reuse_memory)(int reuse);
  void (*set_device_memory)(size_t bytes); /* of each device */
  int (*has_checker)(void);
  int (*has_address_sanitizer)(void);

  pf_emulator_counters (*counters)(void);
  void (*reset_counters)(void); /* keeps what lives: bytes_in_use, live_allocations */
  /* Fills up to `capacity` entries, returns how many there are. */
  size_t (*kernels)(pf_emulator_kernel_count* entries, size_t capacity);
  uint64_t (*launches_of)(
      const char* part_of_name); /* launches and graph runs of the kernels with this in their name */

  /* The n-th call from now (1 is the next) that can fail gives the error and does nothing; 0 forgets it. Calls of cuBLAS
     fail with a status of theirs. */
  void (*fail_call)(uint64_t n, int error);
  /* As fail_call, counting only calls of this name ("cudaMallocAsync"). */
  void (*fail_call_of)(const char* name, uint64_t n, int error);
  /* The n-th kernel from now to run fails on the device: the error shows at a later call, and stays. */
  void (*fail_kernel)(uint64_t n, int error);
  const char* (*failed_call)(void); /* name of the call that the last injected failure hit; "" if none did */

  uint64_t (*faults)(void);
  const char* (*last_report)(void); /* of a fault, or why a call was refused */
  void (*forget_faults)(void);      /* the device works again */

  size_t (*lines)(pf_emulator_line* entries, size_t capacity);
  size_t (*traffic)(pf_emulator_traffic* entries, size_t capacity);
  void (*reset_traffic)(void);
} pf_emulator_control_table;

const pf_emulator_control_table* pf_emulator_control(void);

#ifdef __cplusplus
}
#endif
