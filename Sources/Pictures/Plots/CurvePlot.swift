/// Curves as an SVG picture with axes, labels and a legend.
package struct CurvePlot {
    package struct Curve {
        package let name: String, points: [(x: Double, y: Double)]

        package init(name: String, points: [(x: Double, y: Double)]) {
            self.name = name
            self.points = points
        }
    }

    package var curves: [Curve]
    package var xLabel = "", yLabel = ""

    package init(curves: [Curve], xLabel: String = "", yLabel: String = "") {
        self.curves = curves
        self.xLabel = xLabel
        self.yLabel = yLabel
    }

    package var svg: String {
        Plot(curves: curves.map { ($0.name, $0.points) }, xLabel: xLabel, yLabel: yLabel)?.figure
            ?? "<p>no points to draw</p>"
    }

    package static func number(_ value: Double) -> String { Plot.number(value) }
}
