//! Logistic regression on one score, by weighted maximum likelihood.

use crate::platt::{Example, Platt, PlattError};

/// Newton steps; ten are usual.
const MOST_STEPS: usize = 100;
/// A step is halved down to this part of itself.
const LEAST_STEP: f64 = 1e-10;
/// Added to the diagonal of the Hessian, so that it can be inverted.
const RIDGE: f64 = 1e-12;
/// The slope of the mean loss, per unit of the largest score, at which the fit has converged.
const FLAT: f64 = 1e-9;
/// The same where rounding lets no step make the loss smaller any more.
const NEARLY_FLAT: f64 = 1e-5;

/// The loss to be made small, and what is known of it. Targets are Platt's, see [`Platt::fit`].
pub(crate) struct Problem<'a> {
    examples: &'a [Example],
    target: [f64; 2],
    weight: f64,
    largest: f64,
    /// The offset that fits best where scores tell nothing.
    flat: f64,
}

/// First and second derivatives.
struct Derivatives {
    a: f64,
    b: f64,
    aa: f64,
    ab: f64,
    bb: f64,
}

impl<'a> Problem<'a> {
    /// # Errors
    /// An example cannot be used, or one class is missing.
    pub(crate) fn new(examples: &'a [Example]) -> Result<Self, PlattError> {
        let usable = |example: &Example| {
            example.score.is_finite() && example.weight.is_finite() && example.weight >= 0.0
        };
        if let Some(position) = examples.iter().position(|example| !usable(example)) {
            return Err(PlattError::BadExample(position));
        }
        let weigh = |class: bool| {
            let members = examples.iter().filter(|example| example.positive == class);
            members.map(|example| example.weight).sum::<f64>()
        };
        let (negatives, positives) = (weigh(false), weigh(true));
        if negatives <= 0.0 || positives <= 0.0 {
            return Err(PlattError::OneClass);
        }
        let sizes = examples.iter().map(|example| example.score.abs());
        Ok(Self {
            examples,
            target: [
                1.0 / (negatives + 2.0),
                (positives + 1.0) / (positives + 2.0),
            ],
            weight: negatives + positives,
            largest: sizes.fold(1.0, f64::max),
            flat: ((positives + 1.0) / (negatives + 1.0)).ln(),
        })
    }

    /// Slope and offset.
    ///
    /// # Errors
    /// The search did not end.
    pub(crate) fn solve(&self) -> Result<Platt, PlattError> {
        self.search(0.0, false)
    }

    /// The offset that goes with a slope.
    ///
    /// # Errors
    /// The search did not end.
    pub(crate) fn solve_offset(&self, slope: f64) -> Result<Platt, PlattError> {
        self.search(slope, true)
    }

    /// The sampling variance of the slope at the solution: with `v = p(1-p)` and `x` a score less the mean score by
    /// `w v`, `sum(w^2 v x^2) / sum(w v x^2)^2`. It is that of a weighted likelihood (Binder, "On the variances of
    /// asymptotically normal estimators from complex surveys", International Statistical Review 51, 1983), in which the
    /// squared residuals are taken to be what the curve says, as few rows show too small ones. Without weights it is
    /// the inverse of Fisher's information. `None`: scores are too much alike to tell a slope.
    pub(crate) fn slope_variance(&self, at: &Platt) -> Option<f64> {
        let bend = |example: &Example| {
            let p = at.probability(example.score);
            example.weight * p * (1.0 - p)
        };
        let (mut weight, mut moment) = (0.0, 0.0);
        for example in self.examples {
            weight += bend(example);
            moment += bend(example) * example.score;
        }
        let mean = moment / weight;
        let (mut information, mut noise) = (0.0, 0.0);
        for example in self.examples {
            let own = bend(example) * (example.score - mean).powi(2);
            information += own;
            noise += example.weight * own;
        }
        let variance = noise / (information * information);
        // What rounding leaves of equal scores is no information.
        let told = information > 1e-9 * weight * self.largest * self.largest;
        (told && variance.is_finite() && variance > 0.0).then_some(variance)
    }

    fn target(&self, example: &Example) -> f64 {
        self.target[usize::from(example.positive)]
    }

    /// Cross-entropy, `log(1 + e^z) - t z`, written so that no exponent is above 0.
    fn loss(&self, at: &Platt) -> f64 {
        let one = |example: &Example| {
            let z = at.a * example.score + at.b;
            example.weight * (z.max(0.0) + (-z.abs()).exp().ln_1p() - self.target(example) * z)
        };
        self.examples.iter().map(one).sum()
    }

    fn derivatives(&self, at: &Platt) -> Derivatives {
        let mut found = Derivatives {
            a: 0.0,
            b: 0.0,
            aa: RIDGE,
            ab: 0.0,
            bb: RIDGE,
        };
        for example in self.examples {
            let p = at.probability(example.score);
            let rise = example.weight * (p - self.target(example));
            let bend = example.weight * p * (1.0 - p);
            found.a += rise * example.score;
            found.b += rise;
            found.aa += bend * example.score * example.score;
            found.ab += bend * example.score;
            found.bb += bend;
        }
        found
    }

    /// How steep the loss still is, for an example.
    fn steepness(&self, found: &Derivatives, fixed: bool) -> f64 {
        let by_offset = (found.b / self.weight).abs();
        if fixed {
            by_offset
        } else {
            by_offset.max((found.a / self.largest).abs() / self.weight)
        }
    }

    fn search(&self, slope: f64, fixed: bool) -> Result<Platt, PlattError> {
        let mut at = Platt {
            a: slope,
            b: self.flat,
        };
        let mut loss = self.loss(&at);
        for _ in 0..MOST_STEPS {
            let found = self.derivatives(&at);
            let steepness = self.steepness(&found, fixed);
            if steepness < FLAT {
                return Ok(at);
            }
            let step = found.step(fixed);
            let downhill = step.a * found.a + step.b * found.b;
            let Some(next) = self.shorten(&at, &step, loss, downhill) else {
                return if steepness < NEARLY_FLAT {
                    Ok(at)
                } else {
                    Err(PlattError::NotConverged)
                };
            };
            (at, loss) = next;
        }
        Err(PlattError::NotConverged)
    }

    /// The longest part of `step` that makes the loss small enough (Armijo's condition); `None`: no part does.
    fn shorten(&self, at: &Platt, step: &Platt, loss: f64, downhill: f64) -> Option<(Platt, f64)> {
        let mut part = 1.0;
        while part >= LEAST_STEP {
            let next = Platt {
                a: at.a + part * step.a,
                b: at.b + part * step.b,
            };
            let then = self.loss(&next);
            if then < loss + 1e-4 * part * downhill {
                return Some((next, then));
            }
            part /= 2.0;
        }
        None
    }
}

impl Derivatives {
    /// Newton's step: the slope is solved for first (Schur's complement), then the offset.
    fn step(&self, fixed: bool) -> Platt {
        let a = if fixed {
            0.0
        } else {
            let gradient = self.a - self.ab * self.b / self.bb;
            let bend = self.aa - self.ab * self.ab / self.bb;
            // By Cauchy and Schwarz it is above 0, but for rounding.
            -gradient / bend.max(RIDGE)
        };
        Platt {
            a,
            b: -(self.b + self.ab * a) / self.bb,
        }
    }
}

pub(crate) fn sigmoid(z: f64) -> f64 {
    if z >= 0.0 {
        1.0 / (1.0 + (-z).exp())
    } else {
        z.exp() / (1.0 + z.exp())
    }
}
