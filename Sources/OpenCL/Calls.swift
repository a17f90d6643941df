internal import COpenCL

// Every call of the OpenCL C API goes through one of these two functions, so that there is one place where
// a status turns into an error.

/// Throws unless `status` is `CL_SUCCESS`.
///
/// - Parameters:
///   - call: The C function that returned `status`.
///   - kernel: The kernel that the call was about.
///   - program: The program that the call was about.
///   - detail: What was asked for; only evaluated on failure.
@inline(__always)
func check(
    _ status: cl_int, _ call: StaticString, kernel: String? = nil, program: String? = nil,
    detail: @autoclosure () -> String? = nil
) throws(OpenCLError) {
    guard status != CL_SUCCESS else { return }
    throw OpenCLError(status: status, call: "\(call)", kernel: kernel, program: program, detail: detail())
}

/// Makes an object with a C function that reports its status through a pointer.
///
/// A driver that returns NULL together with `CL_SUCCESS` is not believed: a NULL handle would crash a later call.
@inline(__always)
func create(
    _ call: StaticString, kernel: String? = nil, program: String? = nil,
    detail: @autoclosure () -> String? = nil,
    _ body: (UnsafeMutablePointer<cl_int>) -> OpaquePointer?
) throws(OpenCLError) -> OpaquePointer {
    var status: cl_int = CL_SUCCESS
    let handle = body(&status)
    try check(status, call, kernel: kernel, program: program, detail: detail())
    guard let handle else {
        throw OpenCLError(
            status: CL_OUT_OF_RESOURCES, call: "\(call)", kernel: kernel, program: program,
            detail: "the driver reported success but returned no object")
    }
    return handle
}
