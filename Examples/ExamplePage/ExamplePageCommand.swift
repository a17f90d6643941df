import ArgumentParser
import ExampleSupport
import Foundation

/// Sets the results of the examples out: as a page, or as the table of README.md.
@main
struct ExamplePageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "example-page",
        abstract: "Makes one page of the results that examples have written (--results FOLDER).")

    @Argument(help: "The folder with the results.")
    var folder: String
    @Option(help: .init("Write the page here. (default: index.html in the folder)", valueName: "file"))
    var html: String?
    @Flag(help: "Print the table of figures in Markdown and write no page.")
    var markdown = false

    func run() throws {
        let page = try ExamplePage(folder: folder)
        if markdown { return print(page.markdown, terminator: "") }
        let path = html ?? "\(folder)/index.html"
        try page.write(to: path)
        print("wrote \(path)")
    }
}
