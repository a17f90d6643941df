// The OpenCL C API as every 1.2 driver has it. What is newer is asked for at run time.
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <CL/cl_ext.h>
