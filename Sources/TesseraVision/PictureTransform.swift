import Tessera

/// A change of a picture that is the same each time, before it becomes a tensor; what is drawn anew in each epoch is an
/// `Augmentation` of tensors.
public enum PictureTransform: Hashable, Sendable {
    /// To `height` by `width` pixels, whatever the ratio was. torchvision.transforms.v2.Resize of two numbers.
    case resize(height: Int, width: Int, by: Interpolation = .linear(isAntialiased: true))
    /// The shorter side to so many pixels, the longer one in proportion. torchvision.transforms.v2.Resize of one number.
    case resizeShorterSide(Int, by: Interpolation = .linear(isAntialiased: true))
    /// The middle. torchvision.transforms.v2.CenterCrop.
    case centerCrop(height: Int, width: Int)
    /// Onto a background, without alpha.
    case blend(over: Color)

    func callAsFunction(_ picture: Picture) throws(GraphError) -> Picture {
        switch self {
        case .resize(let height, let width, let interpolation):
            try picture.resized(height: height, width: width, by: interpolation)
        case .resizeShorterSide(let side, let interpolation):
            try picture.resized(shorterSide: side, by: interpolation)
        case .centerCrop(let height, let width): try picture.centerCropped(height: height, width: width)
        case .blend(let background): picture.blended(over: background)
        }
    }
}
