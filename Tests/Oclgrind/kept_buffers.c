// An OpenCL layer that never releases a buffer, for runs under Oclgrind (21.10 to 26.03 at least).
//
// Oclgrind gives the number of a released buffer to the next one. Its check of uninitialised reads keeps what it knows of
// a buffer by that number, and keeps it when the buffer is released: the new buffer is taken for initialised as far as
// the old one was, and for uninitialised past the old one's end, whatever is written there (`ShadowMemory` in
// src/plugins/Uninitialized.cpp). So it sees errors that are none, and misses ones that are. Without reuse it is right.
//
//   cc -shared -fPIC -o libkept.so Tests/Oclgrind/kept_buffers.c;  OPENCL_LAYERS=libkept.so PROGRAM

#define LAYER_NAME "Tessera kept buffers"
#include "../FaultLayer/layer.h"

static cl_icd_dispatch layer;

static cl_int CL_API_CALL keep(cl_mem memory) {
    return memory ? CL_SUCCESS : CL_INVALID_MEM_OBJECT;
}

CL_API_ENTRY cl_int CL_API_CALL clInitLayer(
    cl_uint entries, const cl_icd_dispatch *target, cl_uint *entries_ret, const cl_icd_dispatch **layer_ret) {
    if (!target || !entries_ret || !layer_ret) return CL_INVALID_VALUE;
    if (entries < sizeof layer / sizeof layer.clGetPlatformIDs) return CL_INVALID_VALUE;
    layer = *target;
    layer.clReleaseMemObject = keep;
    *entries_ret = entries;
    *layer_ret = &layer;
    return CL_SUCCESS;
}
