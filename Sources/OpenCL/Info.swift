internal import COpenCL

/// The `clGet…Info` functions, which all have one form: parameter, room, destination, size of the answer.
struct Info {
    /// The C function, for errors.
    let call: StaticString
    let get: (cl_uint, Int, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>?) -> cl_int

    /// An answer of one number. Drivers that answer with fewer bytes than the standard says leave the rest zero.
    func number<Number: FixedWidthInteger & BitwiseCopyable>(
        _ parameter: some FixedWidthInteger, as type: Number.Type = Number.self
    ) throws(OpenCLError) -> Number {
        var value: Number = 0
        let status = get(cl_uint(truncatingIfNeeded: parameter), MemoryLayout<Number>.size, &value, nil)
        try check(status, call, detail: Self.describe(parameter))
        return value
    }

    /// An answer of any number of equal elements.
    func array<Element: FixedWidthInteger & BitwiseCopyable>(
        _ parameter: some FixedWidthInteger, of type: Element.Type = Element.self
    ) throws(OpenCLError) -> [Element] {
        var byteCount = 0
        let parameterID = cl_uint(truncatingIfNeeded: parameter)
        try check(get(parameterID, 0, nil, &byteCount), call, detail: Self.describe(parameter))
        var values = [Element](repeating: 0, count: byteCount / MemoryLayout<Element>.stride)
        guard !values.isEmpty else { return values }
        let status = values.withUnsafeMutableBytes { get(parameterID, $0.count, $0.baseAddress, nil) }
        try check(status, call, detail: Self.describe(parameter))
        return values
    }

    /// An answer of text, without its closing NUL and without spaces around it (some drivers pad names).
    func string(_ parameter: some FixedWidthInteger) throws(OpenCLError) -> String {
        let bytes = try array(parameter, of: UInt8.self).prefix { $0 != 0 }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let first = text.firstIndex(where: { !$0.isWhitespace }),
            let last = text.lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(text[first...last])
    }

    func flag(_ parameter: some FixedWidthInteger) throws(OpenCLError) -> Bool {
        try number(parameter, as: cl_bool.self) != 0
    }

    private static func describe(_ parameter: some FixedWidthInteger) -> String {
        "parameter 0x\(String(cl_uint(truncatingIfNeeded: parameter), radix: 16))"
    }
}
