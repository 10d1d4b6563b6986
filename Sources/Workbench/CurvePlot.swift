/// Curves as an SVG picture with axes, labels and a legend.
struct CurvePlot {
    struct Curve { let name: String, points: [(x: Double, y: Double)] }

    var curves: [Curve]
    var xLabel = "", yLabel = ""

    var svg: String {
        Plot(curves: curves.map { ($0.name, $0.points) }, xLabel: xLabel, yLabel: yLabel)?.figure ?? "<p>no points to draw</p>"
    }

    static func number(_ value: Double) -> String { Plot.number(value) }
}
