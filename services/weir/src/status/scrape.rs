//! Metrics as they are exposed, by name and label.

use std::collections::BTreeMap;
use std::time::Instant;

use weir_telemetry::MetricSpec;

/// One page of metrics, or several together.
#[derive(Debug, Clone)]
pub(crate) struct Scrape {
    /// When it was read.
    pub(crate) at: Instant,
    samples: Vec<Sample>,
}

#[derive(Debug, Clone, PartialEq)]
struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

impl Sample {
    fn label(&self, name: &str) -> Option<&str> {
        let label = self.labels.iter().find(|(label, _)| label == name);
        label.map(|(_, value)| value.as_str())
    }
}

impl Scrape {
    /// Out of Prometheus' text format. What is no sample is passed over: comments, and lines of a page of something else.
    pub(crate) fn parse(page: &str, at: Instant) -> Self {
        Self {
            at,
            samples: page.lines().filter_map(sample).collect(),
        }
    }

    /// Adds another's samples: sums are of both then.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.samples.extend(other.samples.iter().cloned());
    }

    /// All of a metric's series together; `None` where it has none.
    pub(crate) fn sum(&self, metric: &MetricSpec) -> Option<f64> {
        let mut series = self.series(metric.name).peekable();
        series.peek()?;
        Some(series.map(|sample| sample.value).sum())
    }

    /// The same by the values of a label.
    pub(crate) fn by(&self, metric: &MetricSpec, label: &str) -> BTreeMap<String, f64> {
        let mut sums = BTreeMap::new();
        for sample in self.series(metric.name) {
            let value = sample.label(label).unwrap_or_default();
            *sums.entry(value.to_owned()).or_default() += sample.value;
        }
        sums
    }

    /// The value of a label of the metric's first series.
    pub(crate) fn label(&self, metric: &MetricSpec, label: &str) -> Option<&str> {
        self.series(metric.name).next()?.label(label)
    }

    /// A histogram's counts: (upper bound, observations up to there), ascending, the last bound being infinite.
    pub(crate) fn buckets(&self, metric: &MetricSpec) -> Vec<(f64, f64)> {
        let mut buckets: Vec<(f64, f64)> = Vec::new();
        for sample in self.series(&format!("{}_bucket", metric.name)) {
            let Some(bound) = sample.label("le").and_then(|le| le.parse().ok()) else {
                continue;
            };
            match buckets.binary_search_by(|(one, _)| one.total_cmp(&bound)) {
                Ok(there) => buckets[there].1 += sample.value,
                Err(place) => buckets.insert(place, (bound, sample.value)),
            }
        }
        buckets
    }

    fn series(&self, name: &str) -> impl Iterator<Item = &Sample> {
        self.samples
            .iter()
            .filter(move |sample| sample.name == name)
    }
}

/// `name{label="value",...} value [time]`.
fn sample(line: &str) -> Option<Sample> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while let Some((label, after)) = rest.split_once("=\"") {
            // Not into the value: what has no more labels has a brace first.
            if label.contains('}') {
                break;
            }
            let (value, after) = quoted(after)?;
            labels.push((label.trim_start_matches(',').to_owned(), value));
            rest = after;
        }
        rest = rest.trim_start_matches(',').strip_prefix('}')?;
    }
    Some(Sample {
        name: (!name.is_empty() && !name.starts_with('#')).then(|| name.to_owned())?,
        labels,
        value: rest.split_whitespace().next()?.parse().ok()?,
    })
}

/// A label's value up to its closing quotation mark, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, one)) = chars.next() {
        match one {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
pub(crate) mod tests {
    use weir_telemetry::{END_TO_END, VERDICTS};

    use super::*;

    pub(crate) fn scrape(page: &str) -> Scrape {
        Scrape::parse(page, Instant::now())
    }

    #[test]
    fn series_are_found_by_name_and_label() {
        let name = VERDICTS.name;
        let page = format!(
            "# HELP {name} Verdicts.\n# TYPE {name} counter\n\
             {name}{{action=\"allow\"}} 5\n{name}{{action=\"block\",x=\"}} 7\"}} 2 1700000000000\n\
             {name}_more 9\nbroken{{a=\"b\n{name}{{action=\"block\"}} x\n\n"
        );
        let scrape = scrape(&page);
        assert_eq!(scrape.sum(&VERDICTS), Some(7.0));
        assert_eq!(scrape.sum(&END_TO_END), None);
        let by: Vec<_> = scrape.by(&VERDICTS, "action").into_iter().collect();
        assert_eq!(by, [("allow".to_owned(), 5.0), ("block".to_owned(), 2.0)]);
        assert_eq!(scrape.label(&VERDICTS, "action"), Some("allow"));
    }

    #[test]
    fn label_values_may_hold_anything() {
        let found = sample(r#"m{a="q\" {x=\"} \\ ö",b=""} +Inf"#).unwrap();
        assert_eq!(found.label("a"), Some(r#"q" {x="} \ ö"#));
        assert_eq!(found.label("b"), Some(""));
        assert!(found.value.is_infinite());
        assert_eq!(sample("m{} 1").unwrap().labels, []);
    }

    #[test]
    fn histograms_of_several_add_up() {
        let name = END_TO_END.name;
        let page = format!(
            "{name}_bucket{{le=\"0.01\"}} 1\n{name}_bucket{{le=\"0.002\"}} 1\n{name}_bucket{{le=\"+Inf\"}} 3\n{name}_count 3\n"
        );
        let mut both = scrape(&page);
        both.extend(&scrape(&page));
        assert_eq!(
            both.buckets(&END_TO_END),
            [(0.002, 2.0), (0.01, 2.0), (f64::INFINITY, 6.0)]
        );
    }
}
