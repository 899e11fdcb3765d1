//! Locales whose slopes differ.

use weir_types::logistic;

use super::super::measure;
use super::*;

/// One slope, and for each locale the offset of greatest likelihood at it: at which as many are expected as there are.
fn at_one_slope(slope: f64, rows: &[Labelled], locales: &[&'static str]) -> Curve {
    let offset = |locale: &str| {
        let excess = |offset: f64| -> f64 {
            let of = rows.iter().filter(|row| row.locale == locale);
            of.map(|row| {
                let p = 1.0 / (1.0 + (-slope * f64::from(row.raw[HATE]) - offset).exp());
                row.weight * (p - f64::from(u8::from(row.truth[HATE].unwrap())))
            })
            .sum()
        };
        let (mut low, mut high) = (-20.0, 20.0);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            *(if excess(middle) < 0.0 {
                &mut low
            } else {
                &mut high
            }) = middle;
        }
        low
    };
    let shifts = locales
        .iter()
        .map(|locale| own(locale, None, offset(locale)));
    Curve::new(slope, 0.0, shifts)
}

#[test]
fn errors_fall_by_slopes_of_their_own_where_one_slope_leaves_them() {
    let truth = Curve::new(
        1.0,
        -0.5,
        [own("zh", Some(2.0), 0.5), own("de", Some(0.5), 0.0)],
    );
    let parts = Parts::halves(rows(&truth, &["de", "zh"], 30_000, 16));
    let proposal = proposed(&parts, None);
    let curve = proposal.terms.scale.curve(Category::Hate);
    for locale in ["de", "zh"] {
        let (slope, wanted) = (curve.line(locale).0, truth.line(locale).0);
        assert!((slope / wanted - 1.0).abs() < 0.1, "{locale} {curve:?}");
    }
    let mut one_slope = present();
    let best = at_one_slope(curve.slope, &parts.fit, &["de", "zh"]);
    one_slope.scale.set(Category::Hate, best);
    let held_out: Vec<&Labelled> = parts.report.iter().collect();
    let bootstrap = Bootstrap {
        seed: 1,
        resamples: 200,
        confidence: 0.95,
    };
    for locale in ["de", "zh"] {
        let errors = measure::errors(
            &held_out,
            Category::Hate,
            locale,
            &one_slope,
            &proposal.terms,
            &bootstrap,
        );
        let errors = errors.unwrap();
        assert!(errors.before > 3.0 * errors.after, "{errors:?}");
        assert!(errors.interval.unwrap()[1] < 0.0, "{errors:?}");
    }
}

#[test]
fn a_locale_that_is_upside_down_has_the_common_slope_and_is_named() {
    let mut some = rows(&truth(), &["en", "de"], 8000, 17);
    for row in some.iter_mut().filter(|row| row.locale == "de") {
        row.truth[HATE] = row.truth[HATE].map(|positive| !positive);
    }
    let of: Vec<&Labelled> = some.iter().collect();
    let fitted = fit(&of, Category::Hate);
    let curve = fitted.curve.unwrap();
    assert_eq!(curve.line("de").0, curve.slope);
    assert!((curve.slope - 1.5).abs() < 0.15, "{curve:?}");
    let doubtful: Vec<_> = fitted.cells.iter().filter(|cell| cell.doubtful).collect();
    assert_eq!(doubtful.len(), 1);
    assert_eq!(doubtful[0].locale, "de");
    let why = doubtful[0].common_slope.as_deref().unwrap();
    assert!(why.starts_with("its own slope would be -1."), "{why}");
}

#[test]
fn thresholds_move_by_the_mean_of_the_languages() {
    let from = Curve::new(1.0, 0.0, []);
    let to = Curve::new(
        1.0,
        0.0,
        [own("de", Some(0.5), 0.0), own("zh", Some(2.0), 1.0)],
    );
    // Logits 2 and 3 of the old scale.
    let tiers = Tiers {
        warn: logistic(2.0),
        attenuate: NEVER,
        block: logistic(3.0),
    };
    let moved = |mix: &[(&'static str, f64)]| {
        choose::translated(&tiers, &from, &to, &mix.iter().copied().collect())
    };
    let near = |found: f32, logit: f64| (found - logistic(logit)).abs() < 2e-6;
    let de = moved(&[("de", 5.0)]);
    assert!(near(de.warn, 1.0) && near(de.block, 1.5), "{de:?}");
    let both = moved(&[("de", 3.0), ("zh", 1.0)]);
    assert!(near(both.warn, 2.0) && near(both.block, 2.875), "{both:?}");
    assert_eq!(both.attenuate, NEVER);
    // Where nothing changes, neither does a threshold.
    let same = choose::translated(&both, &to, &to, &[("de", 3.0), ("zh", 1.0)].into());
    assert!((same.warn - both.warn).abs() < 2e-6 && (same.block - both.block).abs() < 2e-6);
}
