// What every OpenCL layer must answer the loader; include it once, after defining LAYER_NAME.

#define CL_TARGET_OPENCL_VERSION 300
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>
#include <CL/cl_icd.h>
#include <CL/cl_layer.h>
#include <string.h>

CL_API_ENTRY cl_int CL_API_CALL clGetLayerInfo(cl_layer_info name, size_t size, void *value, size_t *size_ret) {
    const cl_layer_api_version version = CL_LAYER_API_VERSION_100;
    static const char layer_name[] = LAYER_NAME;
    const void *answer = name == CL_LAYER_API_VERSION ? (const void *)&version : layer_name;
    const size_t length = name == CL_LAYER_API_VERSION ? sizeof version : sizeof layer_name;
    if (name != CL_LAYER_API_VERSION && name != CL_LAYER_NAME) return CL_INVALID_VALUE;
    if (value && size < length) return CL_INVALID_VALUE;
    if (value) memcpy(value, answer, length);
    if (size_ret) *size_ret = length;
    return CL_SUCCESS;
}
