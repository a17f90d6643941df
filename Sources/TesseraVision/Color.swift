/// A colour to draw with: red, green and blue from 0 to 255, and how opaque it is.
public struct Color: Hashable, Sendable {
    /// From 0 to 255.
    public var red: UInt8
    /// From 0 to 255.
    public var green: UInt8
    /// From 0 to 255.
    public var blue: UInt8
    /// 0 is transparent, 255 opaque. Only pictures with alpha keep it.
    public var alpha: UInt8

    /// A colour of these parts, opaque where nothing else is said.
    public init(red: UInt8, green: UInt8, blue: UInt8, alpha: UInt8 = 255) {
        (self.red, self.green, self.blue, self.alpha) = (red, green, blue, alpha)
    }

    /// No light.
    public static let black = Color(red: 0, green: 0, blue: 0)
    /// All light.
    public static let white = Color(red: 255, green: 255, blue: 255)
    /// Nothing: black where a picture has no alpha.
    public static let clear = Color(red: 0, green: 0, blue: 0, alpha: 0)

    /// Twelve colours that are easy to tell apart, on dark and on light: for classes, say, of which a thirteenth has the first
    /// one's again.
    public static func category(_ number: Int) -> Color {
        let (red, green, blue) = categories[((number % categories.count) + categories.count) % categories.count]
        return Color(red: red, green: green, blue: blue)
    }

    private static let categories: [(UInt8, UInt8, UInt8)] = [
        (230, 75, 60), (52, 152, 219), (46, 204, 113), (241, 196, 15), (155, 89, 182), (230, 126, 34), (26, 188, 156),
        (236, 112, 160), (149, 165, 166), (120, 190, 32), (93, 109, 220), (170, 120, 80),
    ]

    /// Black or white, whichever is easier to read on this colour.
    var contrast: Color { Picture.gray(red, green, blue) > 140 ? .black : .white }

    var isGray: Bool { red == green && green == blue }

    /// As the channels of a picture.
    func pixel(_ channels: Picture.Channels) -> [UInt8] {
        switch channels {
        case .gray: [Picture.gray(red, green, blue)]
        case .grayAlpha: [Picture.gray(red, green, blue), alpha]
        case .rgb: [red, green, blue]
        case .rgba: [red, green, blue, alpha]
        }
    }
}
