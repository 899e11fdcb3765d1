//! `--stage`: which model judges beside the rules.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, ValueEnum};
use weir_gate::{Clock, Judge, Judges};
use weir_infer::{Device, HeavyModel};
use weir_types::Micros;

use crate::args::JudgeArgs;

/// A budget that no text uses up.
pub(crate) const NO_HURRY: Micros = Micros::from_millis(600_000);

#[derive(Debug, Clone, Args)]
pub(crate) struct StageArgs {
    /// How far to judge.
    #[arg(long, value_enum, default_value_t = Stage::Fast)]
    stage: Stage,
    #[command(flatten)]
    heavy: HeavyArgs,
}

/// Where the heavy model is.
#[derive(Debug, Clone, Args)]
pub(crate) struct HeavyArgs {
    /// Folder of the heavy model.
    #[arg(
        long,
        env = "WEIR_HEAVY_MODEL",
        value_name = "DIR",
        default_value = "models/heavy"
    )]
    heavy_model: PathBuf,
    /// Folder of what the heavy model stands upon; `scripts/e5` fills it.
    #[arg(
        long,
        env = "WEIR_E5_FILES",
        value_name = "DIR",
        default_value = ".tools/e5"
    )]
    e5: PathBuf,
    /// Where the heavy model runs: cpu, or cuda:NUMBER in a build with the feature cuda.
    #[arg(long, value_name = "DEVICE", default_value_t = Device::Cpu)]
    device: Device,
}

impl HeavyArgs {
    pub(crate) fn load(&self) -> anyhow::Result<HeavyModel> {
        Ok(HeavyModel::load(&self.heavy_model, &self.e5)?.on(self.device)?)
    }
}

/// Stages to choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stage {
    /// Rules and the fast model.
    Fast,
    /// A small transformer for the uncertain band, too.
    Cascade,
    /// Rules and the rescorer's heavy model, without a deadline.
    Heavy,
}

impl Stage {
    /// The name in reports.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Cascade => "cascade",
            Self::Heavy => "heavy",
        }
    }
}

impl StageArgs {
    pub(crate) const fn stage(&self) -> Stage {
        self.stage
    }

    /// Refuses what this version cannot do, and what contradicts itself.
    pub(crate) fn check(&self, judge: &JudgeArgs) -> anyhow::Result<()> {
        match self.stage {
            Stage::Fast => Ok(()),
            Stage::Cascade => bail!(
                "--stage cascade is not there yet: this version has --stage fast and --stage heavy"
            ),
            Stage::Heavy if judge.rules_only => {
                bail!("--rules-only leaves the heavy model out: drop it or --stage heavy")
            }
            Stage::Heavy => Ok(()),
        }
    }

    /// A judge with this stage's model.
    pub(crate) fn judge(&self, judges: &Judges, clock: Clock) -> anyhow::Result<Judge> {
        if self.stage != Stage::Heavy {
            return Ok(judges.judge(clock)?);
        }
        Ok(judges.judge_with(Some(Box::new(self.heavy.load()?)), clock))
    }
}
