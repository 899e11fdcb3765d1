//! Where the network runs.

use candle_core::Device as Place;

use crate::EncoderError;

/// A processor, or a graphics card if this was built with the feature `cuda`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Device {
    /// The processor, by kernels fused for it.
    #[default]
    Cpu,
    /// The processor, by the operations that a graphics card would run: to compare with.
    CpuPlain,
    /// The graphics card of this number, from 0.
    Cuda(usize),
}

impl Device {
    /// Where tensors are.
    ///
    /// # Errors
    /// [`EncoderError::NoDevice`]: the build has no `cuda`, or there is no such card.
    pub(crate) fn open(self) -> Result<Place, EncoderError> {
        match self {
            Self::Cpu | Self::CpuPlain => Ok(Place::Cpu),
            // Without the feature candle itself says so.
            Self::Cuda(number) => Place::new_cuda(number).map_err(|error| EncoderError::NoDevice {
                device: self.to_string(),
                reason: error.to_string(),
            }),
        }
    }
}

impl std::fmt::Display for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::CpuPlain => f.write_str("cpu-plain"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl std::str::FromStr for Device {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "cpu" => Ok(Self::Cpu),
            "cpu-plain" => Ok(Self::CpuPlain),
            "cuda" => Ok(Self::Cuda(0)),
            _ => text
                .strip_prefix("cuda:")
                .and_then(|number| number.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| format!("{text} is no device: cpu, cpu-plain, cuda or cuda:NUMBER")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for device in [Device::Cpu, Device::CpuPlain, Device::Cuda(3)] {
            assert_eq!(device.to_string().parse(), Ok(device));
        }
        assert_eq!("cuda".parse(), Ok(Device::Cuda(0)));
        for wrong in ["", "gpu", "cuda:", "cuda:-1", "cuda:x"] {
            assert!(wrong.parse::<Device>().is_err(), "{wrong}");
        }
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_build_without_cuda_says_so() {
        let error = Device::Cuda(0).open().map(drop).unwrap_err();
        assert!(error.to_string().contains("cuda:0"), "{error}");
    }
}
