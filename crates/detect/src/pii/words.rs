//! What the words near a candidate speak of, for all formats in one pass.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::context::{AFTER, BEFORE};
use crate::word::is_word;
use crate::work::spend;

/// A set of meanings: a bit for each format, and [`OTHER`].
pub(in crate::pii) type Meanings = u64;

/// Another number: an order, a version.
pub(in crate::pii) const OTHER: Meanings = 1 << 63;

/// What the numbers of orders, invoices, parcels and things are called in the supported locales, lower
/// case; each detector adds what is mistaken for its own.
pub(in crate::pii) const OTHER_NUMBERS: [&str; 46] = [
    "order",
    "invoice",
    "tracking",
    "isbn",
    "serial",
    "sku",
    "ticket",
    "bestellung",
    "bestellnummer",
    "rechnung",
    "sendungsnummer",
    "seriennummer",
    "commande",
    "facture",
    "série",
    "numéro de suivi",
    "pedido",
    "factura",
    "serie",
    "número de seguimiento",
    "fatura",
    "rastreio",
    "ordine",
    "fattura",
    "spedizione",
    "bestelling",
    "factuur",
    "zamówienie",
    "faktura",
    "przesyłki",
    "заказ",
    "счёт",
    "счет",
    "трек-номер",
    "серийный номер",
    "订单",
    "发票",
    "运单",
    "序列号",
    "ऑर्डर",
    "चालान",
    "طلب",
    "الطلب",
    "فاتورة",
    "الفاتورة",
    "التتبع",
];

/// The words of all formats, and what they mean. Finds what `context::near` finds, but for every
/// word at once.
#[derive(Debug, Clone)]
pub(in crate::pii) struct Words {
    /// `None` if it could not be built; then no word speaks for anything.
    automaton: Option<AhoCorasick>,
    /// By pattern.
    meanings: Vec<Meanings>,
}

impl Words {
    /// Of words in lower case, each with what it means.
    pub(in crate::pii) fn new(words: impl Iterator<Item = (&'static str, Meanings)>) -> Self {
        let (texts, meanings): (Vec<_>, Vec<_>) = words.unzip();
        // All hits, as words lie within one another: `tax id` in `spanish tax id`.
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .prefilter(false)
            .build(texts)
            .ok();
        Self {
            automaton,
            meanings,
        }
    }

    /// What the words before and after `range` mean.
    pub(in crate::pii) fn near(&self, text: &[u8], range: &Range<usize>) -> Meanings {
        self.before(text, range.start)
            | self.within(text, range.end..text.len().min(range.end + AFTER))
    }

    /// What the words before `start` mean.
    pub(in crate::pii) fn before(&self, text: &[u8], start: usize) -> Meanings {
        self.within(text, start.saturating_sub(BEFORE)..start)
    }

    fn within(&self, text: &[u8], range: Range<usize>) -> Meanings {
        spend(range.len());
        // Letters cut at the edges are dropped.
        let lower = String::from_utf8_lossy(&text[range]).to_lowercase();
        let hits = self
            .automaton
            .iter()
            .flat_map(|automaton| automaton.find_overlapping_iter(&lower));
        hits.filter(|hit| stands_alone(&lower, hit.range()))
            .filter_map(|hit| self.meanings.get(hit.pattern().as_usize()))
            .fold(0, |all, meaning| all | meaning)
    }
}

/// Whether the word at `range` is no part of a longer one. Scripts without spaces have no words
/// that could stand alone.
fn stands_alone(text: &str, range: Range<usize>) -> bool {
    let (before, rest) = text.split_at(range.start);
    let (word, after) = rest.split_at(range.len());
    let joins = |neighbour: Option<char>, own: Option<char>| {
        neighbour.is_some_and(is_word) && own.is_some_and(is_word)
    };
    !joins(before.chars().next_back(), word.chars().next())
        && !joins(after.chars().next(), word.chars().next_back())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context;

    const WORDS: [&str; 7] = [
        "ssn",
        "tax id",
        "id",
        "steuer-id",
        "снилс",
        "身份证",
        "आधार",
    ];

    #[test]
    fn agrees_with_the_plain_search() {
        let words = Words::new(WORDS.iter().zip(0..).map(|(word, bit)| (*word, 1 << bit)));
        let far = format!("ssn{}42", " ".repeat(BEFORE));
        let cut = format!("{}42 id", "é".repeat(BEFORE));
        for text in [
            "My SSN: 42",
            "42 (ssn)",
            "assn 42",
            "42 ssns",
            "Steuer-ID 42",
            "Tax ID 42 СНИЛС",
            "снилса 42",
            "身份证号码42",
            "आधार संख्या 42",
            "customer_ssn=42",
            "42",
            &far,
            &cut,
        ] {
            let at = text.find("42").unwrap();
            let range = at..at + 2;
            let found = words.near(text.as_bytes(), &range);
            for (bit, word) in WORDS.iter().enumerate() {
                let expected = context::near(text.as_bytes(), &range, &[word]);
                assert_eq!(found >> bit & 1 == 1, expected, "{text:?} {word:?}");
            }
        }
    }
}
