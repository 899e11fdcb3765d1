//! The beta distribution, as far as binomial intervals need it.

/// Terms of the continued fraction; it needs some `sqrt(max(a, b))` of them, so that this serves sets of many
/// millions of rows.
const MOST_TERMS: u32 = 100_000;

/// The regularised incomplete beta function `I_x(a, b)`, the distribution function of Beta(a, b) at `x`, for
/// `a, b > 0` and `0 <= x <= 1`.
///
/// By the continued fraction DLMF 8.17.22, evaluated with Lentz's method, on the side of the mean where it
/// converges fast; the other side is `I_x(a, b) = 1 - I_(1-x)(b, a)` (DLMF 8.17.4).
pub(crate) fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let ln_beta = libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
    let front = (a * x.ln() + b * (-x).ln_1p() - ln_beta).exp() / a;
    front / continued_fraction(a, b, x)
}

/// `1 + d_1 / (1 + d_2 / (1 + ...))` of DLMF 8.17.22.
fn continued_fraction(a: f64, b: f64, x: f64) -> f64 {
    /// In place of 0 in a denominator.
    const TINY: f64 = 1e-300;
    let nonzero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut value, mut c, mut d) = (1.0, 1.0, 0.0);
    for term in 1..=MOST_TERMS {
        let m = f64::from(term / 2);
        let numerator = if term % 2 == 0 {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        };
        d = 1.0 / nonzero(1.0 + numerator * d);
        c = nonzero(1.0 + numerator / c);
        value *= c * d;
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

/// Where the distribution function of Beta(a, b) reaches `probability`, `0..=1`. By bisection: slow and
/// without surprises.
pub(crate) fn beta_quantile(a: f64, b: f64, probability: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high || high - low < 1e-15 * high {
            return middle;
        }
        if incomplete_beta(a, b, middle) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(a: f64, b: f64, tolerance: f64) {
        assert!((a - b).abs() <= tolerance, "{a} is not {b}");
    }

    #[test]
    fn closed_forms() {
        for x in [0.0, 0.001, 0.3, 0.5, 0.9, 1.0] {
            close(incomplete_beta(1.0, 1.0, x), x, 1e-14);
            close(incomplete_beta(3.0, 1.0, x), x.powi(3), 1e-14);
            close(incomplete_beta(1.0, 4.0, x), 1.0 - (1.0 - x).powi(4), 1e-14);
            // The arcsine law.
            let arcsine = 2.0 / std::f64::consts::PI * x.sqrt().asin();
            close(incomplete_beta(0.5, 0.5, x), arcsine, 1e-13);
        }
    }

    #[test]
    fn is_the_binomial_tail() {
        // I_p(k, n - k + 1) = P(X >= k), DLMF 8.17.5; here 10 throws of a coin, at least 8 heads.
        close(incomplete_beta(8.0, 3.0, 0.5), 56.0 / 1024.0, 1e-15);
        // A large set: median of the Poisson limit, P(X >= 5 | 1e6 rows, 5e-6 each) = 1 - e^-5 (1 + 5 + 12.5 + 125/6 + 625/24).
        let poisson = 1.0 - (-5.0_f64).exp() * (1.0 + 5.0 + 12.5 + 125.0 / 6.0 + 625.0 / 24.0);
        close(incomplete_beta(5.0, 999_996.0, 5e-6), poisson, 1e-5);
    }

    #[test]
    fn quantiles_of_closed_forms() {
        // The rule of three's exact form: 1 - 0.05^(1/n).
        for n in [1.0, 30.0, 1500.0, 1e6] {
            let exact = -(0.05_f64.ln() / n).exp_m1();
            close(beta_quantile(1.0, n, 0.95), exact, exact * 1e-9);
        }
    }

    proptest! {
        #[test]
        fn quantiles_come_back(a in 0.5..500.0_f64, b in 0.5..500.0_f64, probability in 0.001..0.999_f64) {
            let x = beta_quantile(a, b, probability);
            prop_assert!((incomplete_beta(a, b, x) - probability).abs() < 1e-9);
        }

        #[test]
        fn sides_add_up(a in 0.5..500.0_f64, b in 0.5..500.0_f64, x in 0.0..1.0_f64) {
            let both = incomplete_beta(a, b, x) + incomplete_beta(b, a, 1.0 - x);
            prop_assert!((both - 1.0).abs() < 1e-11);
        }
    }
}
