//! Logistic regression on one score, by weighted maximum likelihood: a slope for all, an intercept for each group.

use crate::platt::{Example, PlattError};

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

/// Parameters: `p = 1 / (1 + exp(-(slope * score + intercepts[group])))`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Curves {
    pub(crate) slope: f64,
    pub(crate) intercepts: Vec<f64>,
}

/// The loss to be made small, and what is known of it. Targets are Platt's, see [`crate::Platt::fit`].
pub(crate) struct Problem<'a> {
    examples: &'a [Example],
    group: &'a dyn Fn(usize) -> usize,
    target: [f64; 2],
    /// By group.
    weights: Vec<f64>,
    weight: f64,
    largest: f64,
    /// The intercept that fits best where scores tell nothing.
    flat: f64,
}

/// First derivatives, and the second ones that are not 0: groups touch each other only through the slope.
struct Derivatives {
    slope: f64,
    intercepts: Vec<f64>,
    slope_slope: f64,
    slope_intercepts: Vec<f64>,
    intercepts_squared: Vec<f64>,
}

impl<'a> Problem<'a> {
    /// `group` tells an example's group by its position, below `groups`.
    ///
    /// # Errors
    /// An example cannot be used, or one class is missing.
    pub(crate) fn new(
        examples: &'a [Example],
        groups: usize,
        group: &'a dyn Fn(usize) -> usize,
    ) -> Result<Self, PlattError> {
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
        let mut weights = vec![0.0; groups];
        for (at, example) in examples.iter().enumerate() {
            weights[group(at)] += example.weight;
        }
        let sizes = examples.iter().map(|example| example.score.abs());
        Ok(Self {
            examples,
            group,
            target: [
                1.0 / (negatives + 2.0),
                (positives + 1.0) / (positives + 2.0),
            ],
            weights,
            weight: negatives + positives,
            largest: sizes.fold(1.0, f64::max),
            flat: ((positives + 1.0) / (negatives + 1.0)).ln(),
        })
    }

    /// All parameters.
    ///
    /// # Errors
    /// The search did not end.
    pub(crate) fn solve(&self) -> Result<Curves, PlattError> {
        self.search(0.0, false)
    }

    /// The intercepts that go with a slope.
    ///
    /// # Errors
    /// The search did not end.
    pub(crate) fn solve_intercepts(&self, slope: f64) -> Result<Curves, PlattError> {
        self.search(slope, true)
    }

    fn target(&self, example: &Example) -> f64 {
        self.target[usize::from(example.positive)]
    }

    /// Cross-entropy, `log(1 + e^z) - t z`, written so that no exponent is above 0.
    fn loss(&self, at: &Curves) -> f64 {
        let one = |(position, example): (usize, &Example)| {
            let z = at.slope * example.score + at.intercepts[(self.group)(position)];
            example.weight * (z.max(0.0) + (-z.abs()).exp().ln_1p() - self.target(example) * z)
        };
        self.examples.iter().enumerate().map(one).sum()
    }

    fn derivatives(&self, at: &Curves) -> Derivatives {
        let groups = self.weights.len();
        let mut found = Derivatives {
            slope: 0.0,
            intercepts: vec![0.0; groups],
            slope_slope: RIDGE,
            slope_intercepts: vec![0.0; groups],
            intercepts_squared: vec![RIDGE; groups],
        };
        for (position, example) in self.examples.iter().enumerate() {
            let group = (self.group)(position);
            let p = sigmoid(at.slope * example.score + at.intercepts[group]);
            let rise = example.weight * (p - self.target(example));
            let bend = example.weight * p * (1.0 - p);
            found.slope += rise * example.score;
            found.intercepts[group] += rise;
            found.slope_slope += bend * example.score * example.score;
            found.slope_intercepts[group] += bend * example.score;
            found.intercepts_squared[group] += bend;
        }
        found
    }

    /// How steep the loss still is, an example of each group counting as much as the next.
    fn steepness(&self, found: &Derivatives, fixed: bool) -> f64 {
        let by_group = found.intercepts.iter().zip(&self.weights);
        let steepest = by_group
            .filter(|(_, weight)| **weight > 0.0)
            .map(|(slope, weight)| (slope / weight).abs())
            .fold(0.0, f64::max);
        if fixed {
            steepest
        } else {
            steepest.max((found.slope / self.largest).abs() / self.weight)
        }
    }

    fn search(&self, slope: f64, fixed: bool) -> Result<Curves, PlattError> {
        let mut at = Curves {
            slope,
            intercepts: vec![self.flat; self.weights.len()],
        };
        let mut loss = self.loss(&at);
        for _ in 0..MOST_STEPS {
            let found = self.derivatives(&at);
            let steepness = self.steepness(&found, fixed);
            if steepness < FLAT {
                return Ok(at);
            }
            let step = found.step(fixed);
            let downhill = step.slope * found.slope
                + (step.intercepts.iter().zip(&found.intercepts))
                    .map(|(step, slope)| step * slope)
                    .sum::<f64>();
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
    fn shorten(
        &self,
        at: &Curves,
        step: &Curves,
        loss: f64,
        downhill: f64,
    ) -> Option<(Curves, f64)> {
        let mut part = 1.0;
        while part >= LEAST_STEP {
            let moved = at.intercepts.iter().zip(&step.intercepts);
            let next = Curves {
                slope: at.slope + part * step.slope,
                intercepts: moved.map(|(at, step)| at + part * step).collect(),
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
    /// Newton's step. The Hessian is an arrow: a row and a column for the slope, else a diagonal; so the slope is
    /// solved for first (Schur's complement), then each intercept by itself.
    fn step(&self, fixed: bool) -> Curves {
        let groups = || {
            let mixed = self.slope_intercepts.iter().zip(&self.intercepts_squared);
            mixed.zip(&self.intercepts)
        };
        let slope = if fixed {
            0.0
        } else {
            let (mut gradient, mut bend) = (self.slope, self.slope_slope);
            for ((mixed, squared), slope) in groups() {
                gradient -= mixed * slope / squared;
                bend -= mixed * mixed / squared;
            }
            // By Cauchy and Schwarz it is above 0, but for rounding.
            -gradient / bend.max(RIDGE)
        };
        let intercept =
            |((mixed, squared), rise): ((&f64, &f64), &f64)| -(rise + mixed * slope) / squared;
        Curves {
            slope,
            intercepts: groups().map(intercept).collect(),
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
