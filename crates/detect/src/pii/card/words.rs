//! Words that say that a number is a card's, or something else's.

use std::ops::Range;

use crate::pii::words::{Meanings, OTHER, OTHER_NUMBERS, Words};

/// One run of digits or grouped as printed.
const AS_PRINTED: Scores = Scores {
    card: 0.98,
    none: 0.95,
    other: 0.6,
};
/// Grouped in some other way.
const ODD_GROUPS: Scores = Scores {
    card: 0.85,
    none: 0.7,
    other: 0.4,
};
/// In a range that says little.
const WIDE_RANGE: Scores = Scores {
    card: 0.85,
    none: 0.3,
    other: 0.0,
};

/// Scores by what the words near a number say.
struct Scores {
    /// That it is a card's, whatever else they say.
    card: f32,
    /// Nothing.
    none: f32,
    /// That it is something else's.
    other: f32,
}

const IS_CARD: Meanings = 1;

/// What a card is called, in lower case.
const CARD: [&str; 53] = [
    "card",
    "cards",
    "credit",
    "debit",
    "creditcard",
    "visa",
    "mastercard",
    "maestro",
    "amex",
    "cvv",
    "cvc",
    "pan",
    "carte",
    "cartes",
    "cb",
    "karte",
    "kreditkarte",
    "kreditkartennummer",
    "kartennummer",
    "bankkarte",
    "girokarte",
    "girocard",
    "tarjeta",
    "tarjetas",
    "carta",
    "bancomat",
    "cartão",
    "cartao",
    "kaart",
    "creditcardnummer",
    "kaartnummer",
    "bankpas",
    "betaalpas",
    "karta",
    "karty",
    "kartę",
    "kartą",
    "karcie",
    "карта",
    "карты",
    "карте",
    "карту",
    "картой",
    "بطاقة",
    "البطاقة",
    "بطاقتي",
    "بالبطاقة",
    "ببطاقة",
    "بطاقه",
    "कार्ड",
    "क्रेडिट",
    "डेबिट",
    "卡",
];

/// What else a number of that length is called, beside [`OTHER_NUMBERS`].
const MORE_OTHERS: [&str; 14] = [
    "issn",
    "imei",
    "iccid",
    "parcel",
    "shipment",
    "receipt",
    "transaction",
    "barcode",
    "ean",
    "upc",
    "timestamp",
    "uuid",
    "suivi",
    "seguimiento",
];

/// The words, and what they mean.
#[derive(Debug, Clone)]
pub(super) struct CardWords(Words);

impl CardWords {
    pub(super) fn new() -> Self {
        let cards = CARD.iter().map(|word| (*word, IS_CARD));
        let others = OTHER_NUMBERS
            .iter()
            .chain(&MORE_OTHERS)
            .map(|word| (*word, OTHER));
        Self(Words::new(cards.chain(others)))
    }

    /// The score of a number at `range`; 0 is no card.
    pub(super) fn score(
        &self,
        text: &[u8],
        range: &Range<usize>,
        wide: bool,
        as_printed: bool,
    ) -> f32 {
        let scores = match (wide, as_printed) {
            (true, _) => WIDE_RANGE,
            (false, true) => AS_PRINTED,
            (false, false) => ODD_GROUPS,
        };
        let meanings = self.0.near(text, range);
        if meanings & IS_CARD != 0 {
            scores.card
        } else if meanings & OTHER != 0 {
            scores.other
        } else {
            scores.none
        }
    }
}
