//! Small diagrams as inline SVG: nothing is loaded from anywhere. Colours are the page's.

use std::fmt::Write as _;

/// Side of the plotted square, user units.
const SIDE: f64 = 200.0;
/// Room for axes.
const MARGIN: f64 = 34.0;
const BAR_HEIGHT: f64 = 14.0;
const BAR_WIDTH: f64 = 260.0;
/// Room for names of bars.
const NAMES: f64 = 60.0;

/// What stands around a plot; texts are escaped already.
pub(crate) struct Labels<'a> {
    /// Unique in the page.
    pub(crate) id: &'a str,
    pub(crate) title: &'a str,
    pub(crate) description: &'a str,
    pub(crate) x: &'a str,
    pub(crate) y: &'a str,
}

/// A curve through points of the unit square, over its diagonal; `dots` marks each point.
pub(crate) fn square(labels: &Labels<'_>, points: &[[f64; 2]], dots: bool) -> String {
    let size = SIDE + 2.0 * MARGIN;
    let mut svg = open(labels, size, size);
    let (left, right) = (MARGIN, MARGIN + SIDE);
    // Writing to a string does not fail, here and below.
    let _ = write!(
        svg,
        "<rect class=\"frame\" x=\"{left}\" y=\"{left}\" width=\"{SIDE}\" height=\"{SIDE}\"/>\
         <line class=\"guide\" x1=\"{left}\" y1=\"{right}\" x2=\"{right}\" y2=\"{left}\"/>"
    );
    let places: Vec<String> = points
        .iter()
        .map(|[x, y]| format!("{:.1},{:.1}", left + x * SIDE, right - y * SIDE))
        .collect();
    let _ = write!(
        svg,
        "<polyline class=\"curve\" points=\"{}\"/>",
        places.join(" ")
    );
    for place in places.iter().filter(|_| dots) {
        if let Some((x, y)) = place.split_once(',') {
            let _ = write!(svg, "<circle class=\"dot\" cx=\"{x}\" cy=\"{y}\" r=\"3\"/>");
        }
    }
    for (share, name) in [(0.0, "0"), (0.5, "0.5"), (1.0, "1")] {
        let (x, y) = (left + share * SIDE, right - share * SIDE + 4.0);
        let (below, beside) = (right + 13.0, left - 4.0);
        let _ = write!(
            svg,
            "<text x=\"{x}\" y=\"{below}\" text-anchor=\"middle\">{name}</text>\
             <text x=\"{beside}\" y=\"{y}\" text-anchor=\"end\">{name}</text>"
        );
    }
    let (middle, bottom) = (left + SIDE / 2.0, size - 6.0);
    let _ = write!(
        svg,
        "<text x=\"{middle}\" y=\"{bottom}\" text-anchor=\"middle\">{}</text>\
         <text x=\"{middle}\" y=\"12\" text-anchor=\"middle\">{}</text></svg>",
        labels.x, labels.y
    );
    svg
}

/// One bar, `0..=1` of the scale, with its interval.
pub(crate) struct Bar {
    /// Escaped already.
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) interval: Option<[f64; 2]>,
}

/// Bars with whiskers; the scale ends at `most`, above 0.
pub(crate) fn bars(labels: &Labels<'_>, bars: &[Bar], most: f64) -> String {
    let rows = bars.len() as f64;
    let height = rows * (BAR_HEIGHT + 6.0) + 30.0;
    let mut svg = open(labels, NAMES + BAR_WIDTH + 50.0, height);
    let along = |value: f64| NAMES + (value / most).clamp(0.0, 1.0) * BAR_WIDTH;
    for (index, bar) in bars.iter().enumerate() {
        let top = index as f64 * (BAR_HEIGHT + 6.0) + 4.0;
        let (base, middle) = (top + BAR_HEIGHT - 3.0, top + BAR_HEIGHT / 2.0);
        let (end, name) = (along(bar.value), &bar.name);
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{base:.1}\" text-anchor=\"end\">{name}</text>\
             <rect class=\"bar\" x=\"{NAMES}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{BAR_HEIGHT}\"/>",
            NAMES - 6.0,
            end - NAMES
        );
        if let Some([low, high]) = bar.interval {
            let (low, high) = (along(low), along(high));
            let (up, down) = (middle - 3.0, middle + 3.0);
            let _ = write!(
                svg,
                "<path class=\"whisker\" d=\"M{low:.1} {up:.1}V{down:.1}M{low:.1} {middle:.1}H{high:.1}M{high:.1} {up:.1}V{down:.1}\"/>"
            );
        }
    }
    let base = height - 14.0;
    for part in [0.0, 0.5, 1.0] {
        let (x, value) = (along(part * most), part * most);
        let _ = write!(
            svg,
            "<text x=\"{x:.1}\" y=\"{base:.1}\" text-anchor=\"middle\">{value:.3}</text>"
        );
    }
    let _ = write!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text></svg>",
        NAMES + BAR_WIDTH / 2.0,
        height - 2.0,
        labels.x
    );
    svg
}

fn open(labels: &Labels<'_>, width: f64, height: f64) -> String {
    let Labels {
        id,
        title,
        description,
        ..
    } = labels;
    format!(
        "<svg role=\"img\" aria-labelledby=\"{id}-t {id}-d\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\"><title id=\"{id}-t\">{title}</title>\
         <desc id=\"{id}-d\">{description}</desc>"
    )
}
