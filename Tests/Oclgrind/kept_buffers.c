// An OpenCL layer that never releases a buffer, for runs under Oclgrind (21.10 to 26.03 at least).
//
// Oclgrind gives the number of a released buffer to the next one. Its check of uninitialised reads keeps what it knows of
// a buffer by that number, and keeps it when the buffer is released: the new buffer is taken for initialised as far as
// the old one was, and for uninitialised past the old one's end, whatever is written there (`ShadowMemory` in
// src/plugins/Uninitialized.cpp). So it sees errors that are none, and misses ones that are. Without reuse it is right.
//
//   cc -shared -fPIC -o libkept.so Tests/Oclgrind/kept_buffers.c;  OPENCL_LAYERS=libkept.so PROGRAM

#define CL_TARGET_OPENCL_VERSION 300
#include <CL/cl.h>
#include <CL/cl_icd.h>
#include <CL/cl_layer.h>
#include <string.h>

static cl_icd_dispatch layer;

static cl_int CL_API_CALL keep(cl_mem memory) {
    return memory ? CL_SUCCESS : CL_INVALID_MEM_OBJECT;
}

CL_API_ENTRY cl_int CL_API_CALL clGetLayerInfo(cl_layer_info name, size_t size, void *value, size_t *size_ret) {
    const cl_layer_api_version version = CL_LAYER_API_VERSION_100;
    static const char layer_name[] = "Tessera kept buffers";
    const void *answer = name == CL_LAYER_API_VERSION ? (const void *)&version : layer_name;
    const size_t length = name == CL_LAYER_API_VERSION ? sizeof version : sizeof layer_name;
    if (name != CL_LAYER_API_VERSION && name != CL_LAYER_NAME) return CL_INVALID_VALUE;
    if (value && size < length) return CL_INVALID_VALUE;
    if (value) memcpy(value, answer, length);
    if (size_ret) *size_ret = length;
    return CL_SUCCESS;
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
