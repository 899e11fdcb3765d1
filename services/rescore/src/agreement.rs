//! How far the two models agree, as metrics.

use weir_telemetry::RescoreMetrics;
use weir_types::Category;
use weir_wire::Moderation;

/// Counts a record that has been written, in each category in which the models can be compared.
pub(crate) fn count(metrics: &RescoreMetrics, written: &Moderation) {
    // Intake refuses what has no weight.
    let Some(weight) = written.weight() else {
        return;
    };
    for category in Category::ALL {
        if let Some(agreement) = written.agreement(category) {
            metrics.compared(category, &written.language, agreement, weight);
        }
    }
}

#[cfg(test)]
mod tests {
    use weir_telemetry::Registry;

    use super::*;
    use crate::judgement::tests::moderation_of;

    #[test]
    fn only_what_both_judged_is_counted() {
        let registry = Registry::new();
        let metrics = RescoreMetrics::register(&registry).unwrap();
        let compared = || -> Vec<String> {
            registry
                .gather()
                .iter()
                .filter(|family| family.name() == "weir_rescore_agreement_weight_total")
                .flat_map(|family| family.get_metric())
                .map(|metric| {
                    let labels = metric.get_label().iter().map(|label| label.value());
                    let labels: Vec<_> = labels.collect();
                    format!("{} {}", labels.join(" "), metric.get_counter().get_value())
                })
                .collect()
        };
        // No fast scores.
        let mut record = moderation_of("0", None, 0.95);
        record.inclusion_probability = 0.25;
        record.fast_scores.clear();
        count(&metrics, &record);
        assert_eq!(compared(), [""; 0]);

        let heavy = record.heavy_scores.iter();
        let mut fast = heavy
            .clone()
            .find(|score| score.category == Category::Hate)
            .unwrap()
            .clone();
        fast.margin = -0.1;
        record.fast_scores = vec![fast];
        count(&metrics, &record);
        count(&metrics, &record);
        assert_eq!(compared(), ["heavy_only hate en 8"]);

        record.inclusion_probability = 0.0;
        count(&metrics, &record);
        assert_eq!(compared(), ["heavy_only hate en 8"]);
    }
}
