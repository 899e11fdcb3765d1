//! Platt scaling whose offset and slope differ between groups.

use crate::logistic::Problem;
use crate::random_effects::{Estimate, RandomEffects};
use crate::{Example, Platt, PlattError};

/// A curve for all, and one for each group: `p = 1 / (1 + exp(-(a * score + b)))`.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupedPlatt {
    /// For what is in no group.
    pub common: Platt,
    /// By group.
    pub groups: Vec<GroupCurve>,
}

/// A group's curve.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupCurve {
    /// Its offset is its own wherever the group has positives and negatives.
    pub curve: Platt,
    /// Why its slope is the common one; `None`: it is the group's own.
    pub no_slope: Option<NoSlope>,
}

/// Why a group has the common slope.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum NoSlope {
    /// All groups have it.
    #[error("slopes differ no more than chance explains")]
    Alike,
    /// It would rank the group's examples the wrong way round, or not at all.
    #[error("its own slope would be {0:.3}, which is not above 0")]
    NotAboveZero(f64),
    /// Its scores are equal, or nearly so.
    #[error("its scores are too much alike to tell a slope")]
    Unknown,
    /// It cannot be fitted by itself.
    #[error("{0}")]
    NotFitted(PlattError),
}

impl GroupedPlatt {
    /// Fits by weighted maximum likelihood, with the targets of [`Platt::fit`], those of a group by its own counts.
    /// `rows` tell each example's group, from 0 and below `groups`; `None`: it is in none.
    ///
    /// **Slopes** are those of a random-effects model. Each group, and what is in none, is fitted by itself. From these
    /// slopes and their sampling variances comes how much slopes differ beyond chance (DerSimonian and Laird, 1986).
    /// The common slope is their mean under that model, each group counting by what is known of it, and
    /// not by its size alone: it is meant for groups of which nothing is known. A group's own
    /// is drawn towards it by `V / (V + T)`, with V the variance of the group's slope and T that between groups (the
    /// empirical Bayes estimate; Morris, 1983): all the way where chance explains the differences, hardly at all
    /// where a group has many rows. Nothing has to be tuned. A group whose slope by itself is not above 0, or is not
    /// to be found, takes no part in this and has the common one.
    ///
    /// **Offsets** are then fitted at these slopes: a group's to its own rows; the common one to all rows, as if there were
    /// no groups.
    ///
    /// # Errors
    /// An example cannot be used, one class is missing, or the search did not converge.
    pub fn fit(rows: &[(Example, Option<usize>)], groups: usize) -> Result<Self, PlattError> {
        let all: Vec<Example> = rows.iter().map(|(example, _)| *example).collect();
        let all = Problem::new(&all)?;
        let mut members = vec![Vec::new(); groups + 1];
        for (example, group) in rows {
            members[group.map_or(groups, |group| group.min(groups))].push(*example);
        }
        let slopes: Vec<_> = members.iter().map(|members| slope(members)).collect();
        let known: Vec<Estimate> = slopes.iter().flatten().copied().collect();
        let model = RandomEffects::of(&known);
        let slope = match model {
            Some(model) => model.mean,
            None => all.solve()?.a,
        };
        let common = all.solve_offset(slope)?;
        let group = |(members, slope): (&Vec<Example>, &Result<Estimate, NoSlope>)| {
            let own = slope.and_then(|own| match model {
                Some(model) if model.between > 0.0 => Ok(model.shrunk(&own)),
                _ => Err(NoSlope::Alike),
            });
            let curve = match Problem::new(members) {
                Ok(problem) => problem.solve_offset(own.unwrap_or(common.a))?,
                Err(_) => common,
            };
            Ok(GroupCurve {
                curve,
                no_slope: own.err(),
            })
        };
        let groups = members.iter().zip(&slopes).take(groups).map(group);
        Ok(Self {
            common,
            groups: groups.collect::<Result<_, _>>()?,
        })
    }

    /// What holds in a group; `None`: in none.
    #[must_use]
    pub fn of(&self, group: Option<usize>) -> Platt {
        let own = group.and_then(|group| self.groups.get(group));
        own.map_or(self.common, |own| own.curve)
    }
}

/// The slope of a group by itself, if it is one to be used.
fn slope(members: &[Example]) -> Result<Estimate, NoSlope> {
    let problem = Problem::new(members).map_err(NoSlope::NotFitted)?;
    let fit = problem.solve().map_err(NoSlope::NotFitted)?;
    let variance = problem.slope_variance(&fit).ok_or(NoSlope::Unknown)?;
    if fit.a <= 0.0 {
        return Err(NoSlope::NotAboveZero(fit.a));
    }
    Ok(Estimate {
        value: fit.a,
        variance,
    })
}

#[cfg(test)]
mod tests;
