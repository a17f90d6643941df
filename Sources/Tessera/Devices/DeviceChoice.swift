import Foundation

/// Which device a program runs on.
///
/// As text, on a command line: `automatic`, `cpu`, `opencl` (the best OpenCL device), `opencl:1` (by its place in the
/// list), or any part of a device's or platform's name, in any case: `nvidia`, `pocl`.
public enum DeviceChoice: Hashable, Sendable, CustomStringConvertible {
    /// The best OpenCL device; where there is none, the CPU path, and the log says so.
    case automatic
    /// The CPU path on BLAS.
    case cpu
    /// The best OpenCL device; an error where there is none.
    case opencl
    /// An OpenCL device by its place in the list, from 0.
    case openclDevice(Int)
    /// The OpenCL device whose name, or whose platform's name, contains this text in any case; an error where that is true of
    /// several.
    case named(String)

    /// The choice that a command line's text stands for: `auto`, `cpu`, `opencl`, `opencl:1`, or a part of a device's
    /// name.
    public init(_ text: String) {
        let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        let lowered = text.lowercased()
        switch lowered {
        case "", "automatic", "auto": self = .automatic
        case "cpu": self = .cpu
        case "opencl": self = .opencl
        default:
            if lowered.hasPrefix("opencl:"), let index = Int(lowered.dropFirst("opencl:".count)) {
                self = .openclDevice(index)
            } else {
                self = .named(lowered.hasPrefix("opencl:") ? String(text.dropFirst("opencl:".count)) : text)
            }
        }
    }

    public var description: String {
        switch self {
        case .automatic: "automatic"
        case .cpu: "cpu"
        case .opencl: "opencl"
        case .openclDevice(let index): "opencl:\(index)"
        case .named(let name): name
        }
    }
}

/// A device that was asked for cannot be had.
public struct DeviceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was asked for.
    public var choice: DeviceChoice
    /// What is wrong, and what devices there are.
    public var reason: String
    /// What there is: `cpu` and every OpenCL device.
    public var available: [String]
    /// Those of them that a name is a part of, where it is of several.
    public var candidates: [String] = []

    public var description: String {
        guard candidates.isEmpty else {
            return "\(choice) can mean several devices: \(candidates.joined(separator: ", ")). Say which, as opencl:N"
        }
        return "no device \(choice): \(reason). There is: \(available.joined(separator: ", "))"
    }
}
