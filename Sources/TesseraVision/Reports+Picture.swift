import Tessera

extension PNGFile {
    /// A picture as a PNG file in memory.
    ///
    /// - Throws: `GraphError` where there is no memory for it.
    public init(_ picture: Picture) throws(GraphError) { try self.init(picture.pngBytes()) }
}

extension TrainingReport {
    /// Shows a picture on the page, below the curves.
    ///
    /// - Parameters:
    ///   - name: its title; a later picture of the same name takes its place, or stands beside it.
    ///   - count: how many of the last pictures of the name are shown, each with its step; at least 1.
    /// - Throws: `FileError` where the page can't be written.
    public func show(_ picture: Picture, as name: String, keeping count: Int = 1) throws {
        try show(PNGFile(picture), as: name, keeping: count)
    }
}

extension TensorBoardLog {
    /// Writes a picture by its tag.
    ///
    /// - Throws: `FileError` where the disk is full, say.
    public func write(_ picture: Picture, as tag: String, step: Int) throws {
        try write(PNGFile(picture), as: tag, step: step)
    }
}
