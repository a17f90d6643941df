import Foundation

/// What reports that a browser shows have in common.
package enum HTMLPage {
    /// A page that needs no other file.
    ///
    /// - Parameters:
    ///   - refreshSeconds: after how long a browser reads it again.
    ///   - style: what the page has beside the common style.
    package static func page(
        title: String, subtitle: String, refreshSeconds: Int? = nil, style: String = "", _ body: String
    ) -> String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        \(refreshSeconds.map { "<meta http-equiv=\"refresh\" content=\"\($0)\">" } ?? "")
        <title>\(title)</title>
        <style>\(common)\(style)</style>
        </head>
        <body>
        <header>
        <h1>\(title)</h1>
        <p>\(subtitle)</p>
        </header>
        \(body)
        </body>
        </html>

        """
    }

    package static func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
            .replacingOccurrences(of: ">", with: "&gt;").replacingOccurrences(of: "\"", with: "&quot;")
    }

    private static let common = """
        :root { color-scheme: light dark; --ink: light-dark(#1d2530, #e6e9ee); --faint: light-dark(#6b7684, #98a2b0);
          --paper: light-dark(#fbfaf7, #15181d); --line: light-dark(#dcd8cf, #323943); --good: light-dark(#1f7a4d, #6fcf97);
          --bad: light-dark(#b3261e, #ff8a80); --bar: light-dark(#d7e6dc, #24402f);
          --card: light-dark(#ffffff, #1c2128); }
        body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2.5rem auto;
          max-width: 76rem; padding: 0 1.25rem; }
        h1 { font-size: 1.6rem; margin: 0; letter-spacing: -.01em; } h2 { font-size: 1.05rem; margin: 0 0 .5rem; }
        header p { color: var(--faint); margin: .2rem 0 1.6rem; } small { color: var(--faint); font-weight: 400; }
        .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(28rem, 1fr)); gap: 1.5rem; }
        .note { color: var(--faint); font-size: .9rem; max-width: 60rem; margin: 1rem 0 2rem; }
        svg { width: 100%; height: auto; display: block; border: 1px solid var(--line); border-radius: 8px; }
        .scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
        th { text-align: left; color: var(--faint); font-weight: 500; position: sticky; top: 0; background: var(--paper); }
        th, td { padding: .25rem .7rem; border-bottom: 1px solid var(--line); white-space: nowrap; } .n { text-align: right; }
        tr:not(.first) code { opacity: .35; } tr.first td { border-top: 1px solid var(--faint); }
        code { font: .85em ui-monospace, monospace; } .ok { color: var(--good); } .fail { color: var(--bad); white-space: normal; }
        .bar { display: inline-block; min-width: 5.5rem; padding: 0 .35rem; border-radius: 3px;
          background: linear-gradient(to left, var(--bar) var(--share), transparent var(--share)); }
        .figures { display: flex; flex-wrap: wrap; gap: .4rem 2.5rem; margin: 0 0 1.6rem; }
        .figures dt { color: var(--faint); font-size: .85rem; } .figures dd { margin: 0; font-size: 1.35rem; }
        .matrix { width: auto; } .matrix td { text-align: right; background: rgb(47 111 181 / var(--share)); }
        section { min-width: 0; } .charts + section, section + section { margin-top: 2rem; }
        .pictures { display: flex; flex-wrap: wrap; gap: 1rem; } figure { margin: 0; }
        figure img { max-width: 100%; height: auto; image-rendering: pixelated; border-radius: 4px; display: block; }
        figcaption { color: var(--faint); font-size: .85rem; margin-top: .25rem; }
        @media (max-width: 34rem) { .charts { grid-template-columns: 1fr; } }
        """
}
