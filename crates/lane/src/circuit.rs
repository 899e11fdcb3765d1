use weir_types::Micros;

/// Failures in a row that open the circuit.
const FAILURES_TO_OPEN: u32 = 3;
/// How long the circuit stays open before one job may probe.
const OPEN_FOR: Micros = Micros::from_millis(1000);

/// Keeps a broken classifier from costing every prompt its budget.
///
/// Closed -> (three failures in a row) -> Open -> (one second) -> Probing, where one job is let
/// through: its success closes the circuit, its failure opens it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circuit {
    /// Jobs go through.
    Closed {
        /// Failures since the last success.
        failures: u32,
    },
    /// No job goes through before `until`.
    Open {
        /// When a probe may go.
        until: Micros,
    },
    /// One job is out; its outcome decides. Should it never return, another probe goes at `until`.
    Probing {
        /// When the probe counts as lost.
        until: Micros,
    },
}

impl Circuit {
    /// Closed, no failure yet.
    #[must_use]
    pub const fn new() -> Self {
        Self::Closed { failures: 0 }
    }

    /// Whether a job may go now.
    pub fn admit(&mut self, now: Micros) -> bool {
        match *self {
            Self::Closed { .. } => true,
            Self::Open { until } | Self::Probing { until } if now >= until => {
                *self = Self::Probing {
                    until: now.plus(OPEN_FOR),
                };
                true
            }
            Self::Open { .. } | Self::Probing { .. } => false,
        }
    }

    /// Takes in how a job ended.
    pub fn record(&mut self, success: bool, now: Micros) {
        *self = match (*self, success) {
            (_, true) => Self::new(),
            (Self::Closed { failures }, false) if failures + 1 < FAILURES_TO_OPEN => Self::Closed {
                failures: failures + 1,
            },
            (_, false) => Self::Open {
                until: now.plus(OPEN_FOR),
            },
        };
    }

    /// Whether jobs are being held back.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        !matches!(self, Self::Closed { .. })
    }
}

impl Default for Circuit {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_after_three_failures_probes_after_a_second_and_closes_on_success() {
        let mut circuit = Circuit::new();
        for _ in 0..FAILURES_TO_OPEN {
            assert!(circuit.admit(Micros::ZERO));
            circuit.record(false, Micros::ZERO);
        }
        assert!(circuit.is_open());
        assert!(!circuit.admit(Micros::from_millis(999)));
        assert!(circuit.admit(Micros::from_millis(1000)), "one probe");
        assert!(!circuit.admit(Micros::from_millis(1001)), "and no second");
        circuit.record(false, Micros::from_millis(1002));
        assert!(!circuit.admit(Micros::from_millis(1500)));
        assert!(circuit.admit(Micros::from_millis(2002)));
        circuit.record(true, Micros::from_millis(2003));
        assert!(!circuit.is_open());
    }

    #[test]
    fn a_success_forgets_failures_and_a_lost_probe_is_replaced() {
        let mut circuit = Circuit::new();
        circuit.record(false, Micros::ZERO);
        circuit.record(false, Micros::ZERO);
        circuit.record(true, Micros::ZERO);
        circuit.record(false, Micros::ZERO);
        assert!(!circuit.is_open());
        let mut circuit = Circuit::Open {
            until: Micros::ZERO,
        };
        assert!(circuit.admit(Micros::ZERO));
        assert!(circuit.admit(OPEN_FOR));
    }
}
