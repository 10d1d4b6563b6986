import XCTest

/// What every page that is written keeps to: dark where the reader's machine is, no wider than a phone, named for those
/// who do not see.
public enum PageCheck {
    /// What is wrong with a page.
    public static func check(_ page: String, _ what: String, file: StaticString = #filePath, line: UInt = #line) {
        func wants(_ condition: Bool, _ text: String) {
            XCTAssertTrue(condition, "\(what): \(text)", file: file, line: line)
        }
        wants(
            page.contains("prefers-color-scheme: dark") && page.contains("color-scheme: light dark"), "no dark colours")
        wants(page.contains("name=\"viewport\" content=\"width=device-width"), "no viewport")
        for svg in page.matches(of: #/<svg [^>]*>(<title>)?/#) {
            wants(
                svg.output.0.contains("role=\"img\"") && svg.output.0.contains("aria-label=\"") && svg.output.1 != nil,
                "a picture without a name: \(svg.output.0.prefix(200))")
            // On a phone 390 px wide with 16 px at both sides, letters of at least 10 px.
            let width = svg.output.0.firstMatch(of: /viewBox="0 0 ([0-9]+)/).flatMap { Double($0.output.1) } ?? 1e9,
                size = svg.output.0.firstMatch(of: /font-size="([0-9]+)"/).flatMap { Double($0.output.1) } ?? 0
            wants(size * 358 / width > 10, "letters too small on a phone: \(svg.output.0.prefix(120))")
        }
        for image in page.matches(of: #/<img [^>]{0,100}/#) {
            wants(image.output.contains("alt=\""), "an image without a name")
        }
        for player in page.matches(of: #/<audio [^>]{0,200}/#) {
            wants(player.output.contains("aria-label=\""), "a player without a name")
        }
        for table in page.matches(of: #/<table[ >].*?</table>/#.dotMatchesNewlines()) {
            wants(table.output.contains("<th scope=\""), "a table without header cells: \(table.output.prefix(200))")
        }
        for head in page.matches(of: #/<th[ >][^>]*/#) {
            wants(head.output.contains("scope="), "a header cell without a scope")
        }
        wants(page.matches(of: #/<h1/#).count == 1 && page.contains("<title>"), "no title")
        wants(
            !page.contains("fill=\"#374151\"") && !page.contains("white-space: nowrap"),
            "colours or lines that do not adapt")
    }
}
