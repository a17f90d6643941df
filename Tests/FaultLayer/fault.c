// An OpenCL layer that makes one call fail on purpose, or every call from one on. README.md beside it says how to use
// it. The loader (ocl-icd 2.3 or Khronos's) puts it between the program and the drivers.
//
// Counted is every call that can fail; retains and releases pass through uncounted. A call that is made to fail does
// not reach the driver, with one exception: the waits (clFinish, clWaitForEvents) do wait before they report failure.
// Other modes have the driver find out later: what is enqueued is then not done at all, although the call succeeds; its event
// alone says so (mode "event"), or not even that, but the second or third wait after it (mode "late"). In mode "hang" the
// call never returns.
//
// A device that is really lost writes nothing more, whereas here the driver lives on, and would write into memory that
// the program has rightly given up.

#define LAYER_NAME "Tessera fault"
#include "layer.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const cl_icd_dispatch *target;
static cl_icd_dispatch layer;

static long failing_call;          // TESSERA_FAULT_CALL, counted from 1; 0 fails nothing
static enum { ONCE, FOREVER, EVENT, LATE, HANG } mode;  // TESSERA_FAULT_MODE
static const char *only_function;  // TESSERA_FAULT_FUNCTION
static const char *log_path;       // TESSERA_FAULT_LOG

static atomic_long calls;
static atomic_long failures;
static atomic_long launches;  // kernels that reached the driver
static _Atomic(const char *) first_failed;

static int fails(const char *function) {
    if (only_function && strcmp(only_function, function) != 0) return 0;
    const long call = atomic_fetch_add(&calls, 1) + 1;
    if (failing_call <= 0 || (mode == FOREVER ? call < failing_call : call != failing_call)) return 0;
    const char *none = NULL;
    atomic_compare_exchange_strong(&first_failed, &none, function);
    atomic_fetch_add(&failures, 1);
    while (mode == HANG) pause();
    return 1;
}

// Waits until one of them tells of what was not done; 0: none will.
static atomic_int untold_waits;

static int tells_late(void) {
    int waits = atomic_load(&untold_waits);
    while (waits > 0 && !atomic_compare_exchange_weak(&untold_waits, &waits, waits - 1)) {}
    return waits == 1;
}

// What an enqueue function that fails returns: the status, or success with an event that is as the mode says.
static cl_int not_done(cl_command_queue queue, cl_int status, cl_event *event) {
    if (mode != EVENT && mode != LATE) return status;
    if (mode == LATE) atomic_store(&untold_waits, 3);
    if (!event) return CL_SUCCESS;
    cl_context context;
    if (target->clGetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof context, &context, NULL) != CL_SUCCESS)
        return status;
    cl_int failure;
    *event = target->clCreateUserEvent(context, &failure);
    if (!*event) return status;
    target->clSetUserEventStatus(*event, mode == EVENT ? status : CL_COMPLETE);
    return CL_SUCCESS;
}

__attribute__((destructor)) static void write_log(void) {
    if (!log_path) return;
    FILE *file = fopen(log_path, "w");
    if (!file) return;
    const char *failed = atomic_load(&first_failed);
    fprintf(file, "calls %ld\nfailures %ld\nfirst %s\nlaunches %ld\n", atomic_load(&calls), atomic_load(&failures),
            failed ? failed : "none", atomic_load(&launches));
    fclose(file);
}

// A function that returns its status.
#define STATUS(function, status, parameters, arguments)          \
    static cl_int CL_API_CALL layer_##function parameters {      \
        return fails(#function) ? (status) : target->function arguments; \
    }

// A function that waits: it reaches the driver even where it is made to fail.
#define WAIT(function, status, parameters, arguments)            \
    static cl_int CL_API_CALL layer_##function parameters {      \
        const int failed = fails(#function) | tells_late();      \
        const cl_int actual = target->function arguments;        \
        return failed ? (status) : actual;                       \
    }

// A function that enqueues a command.
#define ENQUEUE(function, status, parameters, arguments)         \
    static cl_int CL_API_CALL layer_##function parameters {      \
        return fails(#function) ? not_done(queue, status, event) : target->function arguments; \
    }

// A function that returns an object, and its status through `error`.
#define OBJECT(type, function, status, parameters, arguments)    \
    static type CL_API_CALL layer_##function parameters {        \
        if (!fails(#function)) return target->function arguments; \
        if (error) *error = (status);                            \
        return NULL;                                             \
    }

#define QUERY(function, object)                                                                 \
    STATUS(function, CL_OUT_OF_HOST_MEMORY,                                                     \
           (object o, cl_uint name, size_t size, void *value, size_t *size_ret), (o, name, size, value, size_ret))

#define WAIT_LIST cl_uint count, const cl_event *list, cl_event *event

STATUS(clGetPlatformIDs, CL_OUT_OF_HOST_MEMORY, (cl_uint room, cl_platform_id *ids, cl_uint *number),
       (room, ids, number))
QUERY(clGetPlatformInfo, cl_platform_id)
STATUS(clGetDeviceIDs, CL_OUT_OF_RESOURCES,
       (cl_platform_id platform, cl_device_type type, cl_uint room, cl_device_id *ids, cl_uint *number),
       (platform, type, room, ids, number))
QUERY(clGetDeviceInfo, cl_device_id)
STATUS(clCreateSubDevices, CL_OUT_OF_RESOURCES,
       (cl_device_id device, const cl_device_partition_property *properties, cl_uint room, cl_device_id *ids,
        cl_uint *number),
       (device, properties, room, ids, number))

OBJECT(cl_context, clCreateContext, CL_DEVICE_NOT_AVAILABLE,
       (const cl_context_properties *properties, cl_uint number, const cl_device_id *devices,
        void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *data, cl_int *error),
       (properties, number, devices, notify, data, error))
QUERY(clGetContextInfo, cl_context)

OBJECT(cl_command_queue, clCreateCommandQueue, CL_OUT_OF_HOST_MEMORY,
       (cl_context context, cl_device_id device, cl_command_queue_properties properties, cl_int *error),
       (context, device, properties, error))
OBJECT(cl_command_queue, clCreateCommandQueueWithProperties, CL_OUT_OF_HOST_MEMORY,
       (cl_context context, cl_device_id device, const cl_queue_properties *properties, cl_int *error),
       (context, device, properties, error))
QUERY(clGetCommandQueueInfo, cl_command_queue)
STATUS(clFlush, CL_OUT_OF_RESOURCES, (cl_command_queue queue), (queue))
WAIT(clFinish, CL_OUT_OF_RESOURCES, (cl_command_queue queue), (queue))

OBJECT(cl_mem, clCreateBuffer, CL_MEM_OBJECT_ALLOCATION_FAILURE,
       (cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *error),
       (context, flags, size, host, error))
OBJECT(cl_mem, clCreateSubBuffer, CL_MEM_OBJECT_ALLOCATION_FAILURE,
       (cl_mem buffer, cl_mem_flags flags, cl_buffer_create_type type, const void *info, cl_int *error),
       (buffer, flags, type, info, error))
QUERY(clGetMemObjectInfo, cl_mem)

OBJECT(cl_program, clCreateProgramWithSource, CL_OUT_OF_HOST_MEMORY,
       (cl_context context, cl_uint number, const char **strings, const size_t *lengths, cl_int *error),
       (context, number, strings, lengths, error))
OBJECT(cl_program, clCreateProgramWithBinary, CL_INVALID_BINARY,
       (cl_context context, cl_uint number, const cl_device_id *devices, const size_t *lengths,
        const unsigned char **binaries, cl_int *statuses, cl_int *error),
       (context, number, devices, lengths, binaries, statuses, error))
STATUS(clBuildProgram, CL_BUILD_PROGRAM_FAILURE,
       (cl_program program, cl_uint number, const cl_device_id *devices, const char *options,
        void(CL_CALLBACK *notify)(cl_program, void *), void *data),
       (program, number, devices, options, notify, data))
STATUS(clCompileProgram, CL_COMPILE_PROGRAM_FAILURE,
       (cl_program program, cl_uint number, const cl_device_id *devices, const char *options, cl_uint headers,
        const cl_program *header_programs, const char **names, void(CL_CALLBACK *notify)(cl_program, void *),
        void *data),
       (program, number, devices, options, headers, header_programs, names, notify, data))
OBJECT(cl_program, clLinkProgram, CL_LINK_PROGRAM_FAILURE,
       (cl_context context, cl_uint number, const cl_device_id *devices, const char *options, cl_uint inputs,
        const cl_program *programs, void(CL_CALLBACK *notify)(cl_program, void *), void *data, cl_int *error),
       (context, number, devices, options, inputs, programs, notify, data, error))
QUERY(clGetProgramInfo, cl_program)
STATUS(clGetProgramBuildInfo, CL_OUT_OF_HOST_MEMORY,
       (cl_program program, cl_device_id device, cl_program_build_info name, size_t size, void *value,
        size_t *size_ret),
       (program, device, name, size, value, size_ret))

OBJECT(cl_kernel, clCreateKernel, CL_OUT_OF_HOST_MEMORY, (cl_program program, const char *name, cl_int *error),
       (program, name, error))
STATUS(clCreateKernelsInProgram, CL_OUT_OF_HOST_MEMORY,
       (cl_program program, cl_uint room, cl_kernel *kernels, cl_uint *number), (program, room, kernels, number))
STATUS(clSetKernelArg, CL_OUT_OF_RESOURCES, (cl_kernel kernel, cl_uint index, size_t size, const void *value),
       (kernel, index, size, value))
QUERY(clGetKernelInfo, cl_kernel)
STATUS(clGetKernelArgInfo, CL_KERNEL_ARG_INFO_NOT_AVAILABLE,
       (cl_kernel kernel, cl_uint index, cl_kernel_arg_info name, size_t size, void *value, size_t *size_ret),
       (kernel, index, name, size, value, size_ret))
STATUS(clGetKernelWorkGroupInfo, CL_OUT_OF_HOST_MEMORY,
       (cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info name, size_t size, void *value,
        size_t *size_ret),
       (kernel, device, name, size, value, size_ret))

WAIT(clWaitForEvents, CL_OUT_OF_RESOURCES, (cl_uint number, const cl_event *events), (number, events))
QUERY(clGetEventInfo, cl_event)
QUERY(clGetEventProfilingInfo, cl_event)
OBJECT(cl_event, clCreateUserEvent, CL_OUT_OF_HOST_MEMORY, (cl_context context, cl_int *error), (context, error))
STATUS(clSetUserEventStatus, CL_OUT_OF_RESOURCES, (cl_event event, cl_int status), (event, status))
STATUS(clSetEventCallback, CL_OUT_OF_RESOURCES,
       (cl_event event, cl_int status, void(CL_CALLBACK *notify)(cl_event, cl_int, void *), void *data),
       (event, status, notify, data))

static cl_int CL_API_CALL layer_clEnqueueNDRangeKernel(
    cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset, const size_t *global,
    const size_t *local, WAIT_LIST) {
    if (fails("clEnqueueNDRangeKernel")) return not_done(queue, CL_OUT_OF_RESOURCES, event);
    const cl_int status =
        target->clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local, count, list, event);
    if (status == CL_SUCCESS) atomic_fetch_add(&launches, 1);
    return status;
}
ENQUEUE(clEnqueueReadBuffer, CL_OUT_OF_RESOURCES,
       (cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t size, void *host, WAIT_LIST),
       (queue, buffer, blocking, offset, size, host, count, list, event))
ENQUEUE(clEnqueueWriteBuffer, CL_OUT_OF_RESOURCES,
       (cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t size, const void *host,
        WAIT_LIST),
       (queue, buffer, blocking, offset, size, host, count, list, event))
ENQUEUE(clEnqueueCopyBuffer, CL_OUT_OF_RESOURCES,
       (cl_command_queue queue, cl_mem from, cl_mem to, size_t from_offset, size_t to_offset, size_t size, WAIT_LIST),
       (queue, from, to, from_offset, to_offset, size, count, list, event))
ENQUEUE(clEnqueueFillBuffer, CL_OUT_OF_RESOURCES,
       (cl_command_queue queue, cl_mem buffer, const void *pattern, size_t pattern_size, size_t offset, size_t size,
        WAIT_LIST),
       (queue, buffer, pattern, pattern_size, offset, size, count, list, event))
OBJECT(void *, clEnqueueMapBuffer, CL_MAP_FAILURE,
       (cl_command_queue queue, cl_mem buffer, cl_bool blocking, cl_map_flags flags, size_t offset, size_t size,
        WAIT_LIST, cl_int *error),
       (queue, buffer, blocking, flags, offset, size, count, list, event, error))
STATUS(clEnqueueUnmapMemObject, CL_OUT_OF_RESOURCES,
       (cl_command_queue queue, cl_mem memory, void *mapped, WAIT_LIST), (queue, memory, mapped, count, list, event))
STATUS(clEnqueueMigrateMemObjects, CL_OUT_OF_RESOURCES,
       (cl_command_queue queue, cl_uint number, const cl_mem *memories, cl_mem_migration_flags flags, WAIT_LIST),
       (queue, number, memories, flags, count, list, event))
STATUS(clEnqueueMarkerWithWaitList, CL_OUT_OF_RESOURCES, (cl_command_queue queue, WAIT_LIST),
       (queue, count, list, event))
STATUS(clEnqueueBarrierWithWaitList, CL_OUT_OF_RESOURCES, (cl_command_queue queue, WAIT_LIST),
       (queue, count, list, event))

static void read_environment(void) {
    const char *call = getenv("TESSERA_FAULT_CALL");
    const char *name = getenv("TESSERA_FAULT_MODE");
    failing_call = call ? strtol(call, NULL, 10) : 0;
    const char *names[] = {"once", "forever", "event", "late", "hang"};
    for (int i = 0; name && i < 5; i++)
        if (strcmp(name, names[i]) == 0) mode = i;
    only_function = getenv("TESSERA_FAULT_FUNCTION");
    log_path = getenv("TESSERA_FAULT_LOG");
}

CL_API_ENTRY cl_int CL_API_CALL clInitLayer(
    cl_uint entries, const cl_icd_dispatch *target_dispatch, cl_uint *entries_ret,
    const cl_icd_dispatch **layer_dispatch_ret) {
    if (!target_dispatch || !entries_ret || !layer_dispatch_ret) return CL_INVALID_VALUE;
    if (entries < sizeof layer / sizeof layer.clGetPlatformIDs) return CL_INVALID_VALUE;
    read_environment();
    target = target_dispatch;
    layer = *target_dispatch;
#define INSTALL(function) layer.function = layer_##function
    INSTALL(clGetPlatformIDs);
    INSTALL(clGetPlatformInfo);
    INSTALL(clGetDeviceIDs);
    INSTALL(clGetDeviceInfo);
    INSTALL(clCreateSubDevices);
    INSTALL(clCreateContext);
    INSTALL(clGetContextInfo);
    INSTALL(clCreateCommandQueue);
    INSTALL(clCreateCommandQueueWithProperties);
    INSTALL(clGetCommandQueueInfo);
    INSTALL(clFlush);
    INSTALL(clFinish);
    INSTALL(clCreateBuffer);
    INSTALL(clCreateSubBuffer);
    INSTALL(clGetMemObjectInfo);
    INSTALL(clCreateProgramWithSource);
    INSTALL(clCreateProgramWithBinary);
    INSTALL(clBuildProgram);
    INSTALL(clCompileProgram);
    INSTALL(clLinkProgram);
    INSTALL(clGetProgramInfo);
    INSTALL(clGetProgramBuildInfo);
    INSTALL(clCreateKernel);
    INSTALL(clCreateKernelsInProgram);
    INSTALL(clSetKernelArg);
    INSTALL(clGetKernelInfo);
    INSTALL(clGetKernelArgInfo);
    INSTALL(clGetKernelWorkGroupInfo);
    INSTALL(clWaitForEvents);
    INSTALL(clGetEventInfo);
    INSTALL(clGetEventProfilingInfo);
    INSTALL(clCreateUserEvent);
    INSTALL(clSetUserEventStatus);
    INSTALL(clSetEventCallback);
    INSTALL(clEnqueueNDRangeKernel);
    INSTALL(clEnqueueReadBuffer);
    INSTALL(clEnqueueWriteBuffer);
    INSTALL(clEnqueueCopyBuffer);
    INSTALL(clEnqueueFillBuffer);
    INSTALL(clEnqueueMapBuffer);
    INSTALL(clEnqueueUnmapMemObject);
    INSTALL(clEnqueueMigrateMemObjects);
    INSTALL(clEnqueueMarkerWithWaitList);
    INSTALL(clEnqueueBarrierWithWaitList);
    *entries_ret = entries;
    *layer_dispatch_ret = &layer;
    return CL_SUCCESS;
}
