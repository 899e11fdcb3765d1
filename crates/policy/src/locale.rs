//! What a calibration says of one language: a number, or `{ slope: NUMBER, shift: NUMBER }`.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_saphyr::Spanned;

/// Either of the two.
#[derive(Debug, Clone)]
pub(crate) enum LocaleDocument {
    /// Added to the category's intercept.
    Shift(f64),
    /// In place of the category's slope, too.
    Curve(LocaleCurveDocument),
}

#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LocaleCurveDocument {
    pub(crate) slope: Spanned<f64>,
    pub(crate) shift: Spanned<f64>,
}

/// By hand: an untagged enum would lose where in the file its numbers stand.
impl<'de> Deserialize<'de> for LocaleDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LocaleVisitor;

        impl<'de> Visitor<'de> for LocaleVisitor {
            type Value = LocaleDocument;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a shift, or { slope: NUMBER, shift: NUMBER }")
            }

            fn visit_f64<E>(self, shift: f64) -> Result<Self::Value, E> {
                Ok(LocaleDocument::Shift(shift))
            }

            fn visit_i64<E>(self, shift: i64) -> Result<Self::Value, E> {
                Ok(LocaleDocument::Shift(shift as f64))
            }

            fn visit_u64<E>(self, shift: u64) -> Result<Self::Value, E> {
                Ok(LocaleDocument::Shift(shift as f64))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                Deserialize::deserialize(MapAccessDeserializer::new(map)).map(LocaleDocument::Curve)
            }
        }

        deserializer.deserialize_any(LocaleVisitor)
    }
}
