//! Files that are not what the model needs.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;

use safetensors::{Dtype, serialize, tensor::TensorView};
use weir_encoder::{Config, Encoder, EncoderError, Head, Weights};

fn file(tensors: &[(&str, Dtype, &[usize], Vec<u8>)]) -> Vec<u8> {
    let views: HashMap<_, _> = tensors
        .iter()
        .map(|(name, dtype, shape, data)| {
            let view = TensorView::new(*dtype, shape.to_vec(), data).unwrap();
            ((*name).to_owned(), view)
        })
        .collect();
    serialize(&views, None).unwrap()
}

fn floats(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn head(files: &[&[u8]], hidden: usize) -> Result<Head, EncoderError> {
    Head::load(&Weights::parse(files)?, "head", hidden)
}

#[test]
fn a_head_may_be_in_another_file_and_in_8_bits() {
    let bias = file(&[("head.bias", Dtype::F32, &[2], floats(&[0.5, -0.5]))]);
    let weight = file(&[
        ("head.weight", Dtype::I8, &[2, 2], vec![1, 2, 255, 127]),
        ("head.scale", Dtype::F32, &[2], floats(&[0.5, 2.0])),
    ]);
    let head = head(&[&bias, &weight], 2).unwrap();
    assert_eq!(head.outputs(), 2);
    assert_eq!(head.apply(&[1.0, 1.0, 2.0, 0.0]), [2.0, 251.5, 1.5, -4.5]);
}

#[test]
fn what_does_not_fit_is_named() {
    let bias = || ("head.bias", Dtype::F32, [2].as_slice(), floats(&[0.0, 0.0]));
    let shape: &[usize] = &[2, 1];
    let with = |dtype, data| file(&[bias(), ("head.weight", dtype, shape, data)]);

    let good = with(Dtype::F32, floats(&[1.0, 2.0]));
    assert!(matches!(
        head(&[&good], 2),
        Err(EncoderError::WeightShape { .. })
    ));
    assert!(matches!(
        head(&[&good[..9]], 1),
        Err(EncoderError::WeightsMalformed(_))
    ));
    assert!(matches!(head(&[], 1), Err(EncoderError::WeightMissing(_))));
    let infinite = with(Dtype::F32, floats(&[1.0, f32::INFINITY]));
    assert!(matches!(
        head(&[&infinite], 1),
        Err(EncoderError::WeightNotFinite(_))
    ));
    let unscaled = with(Dtype::I8, vec![1, 2]);
    let missing = EncoderError::WeightMissing("head.scale".to_owned());
    assert_eq!(head(&[&unscaled], 1).err(), Some(missing));
    let half = with(Dtype::F16, vec![0; 4]);
    assert!(matches!(
        head(&[&half], 1),
        Err(EncoderError::WeightType { .. })
    ));
}

#[test]
fn an_encoder_needs_its_sizes_and_tensors() {
    let weights = Weights::parse(&[]).unwrap();
    let missing = Encoder::load(&weights, &Config::E5_SMALL).err();
    assert!(matches!(missing, Some(EncoderError::WeightMissing(_))));
    let config = Config {
        heads: 7,
        ..Config::E5_SMALL
    };
    let refused = EncoderError::ConfigMalformed {
        hidden: 384,
        heads: 7,
    };
    assert_eq!(Encoder::load(&weights, &config).err(), Some(refused));
}
