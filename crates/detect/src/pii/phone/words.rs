//! Words that say that a number is a telephone's, or something else's.

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::context;
use crate::word::{char_after, char_before, is_word};
use crate::work::spend;

/// What one word says; languages are bits, these come above them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    /// The number is a telephone's.
    Phone,
    /// Somebody is reached, perhaps by telephone: tells only with a number grouped like one.
    Reach,
    /// The number is something else's.
    Other,
}

/// A language, and in lower case the words for telephones and for reaching somebody.
pub(super) struct Language {
    phone: &'static [&'static str],
    reach: &'static [&'static str],
}

const fn language(phone: &'static [&'static str], reach: &'static [&'static str]) -> Language {
    Language { phone, reach }
}

/// Arabic, English, German, French, Spanish, Italian, Dutch, Polish, Portuguese, Russian, Chinese,
/// Hindi; [`super::plan`] counts on the order. Words that several languages share stand in all of
/// them. Inflected forms are listed where they are common in front of a number.
pub(super) const LANGUAGES: [Language; 12] = [
    language(
        &[
            "هاتف",
            "الهاتف",
            "هاتفي",
            "تلفون",
            "جوال",
            "الجوال",
            "جوالي",
            "موبايل",
            "الموبايل",
            "محمول",
            "واتساب",
            "واتس",
        ],
        &["اتصل", "اتصال", "للتواصل", "رقم", "رقمي"],
    ),
    language(
        &[
            "phone",
            "phones",
            "telephone",
            "tel",
            "mobile",
            "cell",
            "cellphone",
            "whatsapp",
            "fax",
            "sms",
            "landline",
            "voicemail",
            "ph",
            "mob",
            "hotline",
            "phone number",
        ],
        &[
            "call", "calls", "called", "calling", "dial", "ring", "text", "texted", "contact",
            "reach", "viber", "telegram", "signal", "imessage",
        ],
    ),
    language(
        &[
            "telefon",
            "tel",
            "telefonnummer",
            "telefonisch",
            "handy",
            "handynummer",
            "mobil",
            "mobilnummer",
            "mobiltelefon",
            "whatsapp",
            "fax",
            "rufnummer",
            "festnetz",
            "durchwahl",
            "natel",
            "sms",
        ],
        &[
            "anrufen",
            "ruf",
            "rufen",
            "anruf",
            "erreichbar",
            "erreichen",
            "kontakt",
        ],
    ),
    language(
        &[
            "téléphone",
            "telephone",
            "tél",
            "tel",
            "portable",
            "mobile",
            "whatsapp",
            "fax",
            "gsm",
            "sms",
        ],
        &[
            "appelez",
            "appeler",
            "appelle",
            "joindre",
            "joignable",
            "contactez",
            "numéro",
        ],
    ),
    language(
        &[
            "teléfono",
            "telefono",
            "teléfonos",
            "tel",
            "tlf",
            "tfno",
            "móvil",
            "movil",
            "celular",
            "cel",
            "whatsapp",
            "fax",
            "sms",
        ],
        &[
            "llama", "llame", "llámame", "llamar", "llamame", "contacto", "número",
        ],
    ),
    language(
        &[
            "telefono",
            "tel",
            "cellulare",
            "cell",
            "whatsapp",
            "fax",
            "sms",
        ],
        &[
            "chiama",
            "chiamami",
            "chiamare",
            "contatto",
            "contattare",
            "numero",
        ],
    ),
    language(
        &[
            "telefoon",
            "telefoonnummer",
            "tel",
            "mobiel",
            "mobiele",
            "gsm",
            "whatsapp",
            "fax",
            "sms",
        ],
        &["bel", "bellen", "bereikbaar", "contact", "nummer"],
    ),
    language(
        &[
            "telefon",
            "telefonu",
            "telefonem",
            "tel",
            "kom",
            "komórka",
            "komórkowy",
            "komórkę",
            "whatsapp",
            "faks",
            "fax",
            "sms",
        ],
        &["zadzwoń", "dzwoń", "dzwonić", "kontakt", "numer"],
    ),
    language(
        &[
            "telefone",
            "tel",
            "telemóvel",
            "telemovel",
            "celular",
            "cel",
            "whatsapp",
            "zap",
            "fax",
            "sms",
        ],
        &["ligue", "ligar", "liga", "contato", "contacto", "número"],
    ),
    language(
        &[
            "телефон",
            "телефона",
            "телефону",
            "телефоном",
            "тел",
            "мобильный",
            "моб",
            "сотовый",
            "whatsapp",
            "ватсап",
            "вотсап",
            "факс",
            "смс",
        ],
        &[
            "позвони",
            "позвоните",
            "звоните",
            "звони",
            "набери",
            "связи",
            "номер",
            "номеру",
        ],
    ),
    language(
        &[
            "电话", "電話", "手机", "手機", "座机", "热线", "传真", "微信", "短信",
        ],
        &["致电", "联系", "拨打", "联络", "号码"],
    ),
    language(
        &[
            "फोन",
            "फ़ोन",
            "टेलीफोन",
            "मोबाइल",
            "मोबाईल",
            "व्हाट्सएप",
            "दूरभाष",
        ],
        &["कॉल", "संपर्क", "नंबर"],
    ),
];

/// What else a number of that size is called.
const OTHER: [&str; 44] = [
    "order",
    "invoice",
    "version",
    "isbn",
    "issn",
    "tracking",
    "ticket",
    "serial",
    "sku",
    "part",
    "account",
    "iban",
    "case",
    "receipt",
    "transaction",
    "timestamp",
    "unix",
    "epoch",
    "commit",
    "build",
    "id",
    "pid",
    "uuid",
    "barcode",
    "ean",
    "upc",
    "doi",
    "arxiv",
    "population",
    "patent",
    "coordinates",
    "latitude",
    "longitude",
    "bestellung",
    "bestellnummer",
    "rechnung",
    "commande",
    "facture",
    "pedido",
    "factura",
    "ordine",
    "zamówienie",
    "заказ",
    "订单",
];

/// What the words near a number say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Nearby {
    pub(super) phone: bool,
    pub(super) reach: bool,
    pub(super) other: bool,
    /// The languages of those for [`Nearby::phone`] and [`Nearby::reach`], a bit each.
    pub(super) languages: u32,
}

/// All the words, in one automaton: a hostile text asks about every few bytes.
#[derive(Debug, Clone)]
pub(super) struct Words {
    automaton: Option<AhoCorasick>,
    /// What the patterns say, in their order.
    meanings: Vec<(Says, u32)>,
}

impl Words {
    pub(super) fn new() -> Self {
        let mut patterns: Vec<String> = Vec::new();
        let mut meanings: Vec<(Says, u32)> = Vec::new();
        let mut add = |word: &str, says: Says, languages: u32| {
            for spelling in spellings(word) {
                let known = patterns.iter().position(|pattern| *pattern == spelling);
                match known {
                    Some(index) if meanings[index].0 == says => meanings[index].1 |= languages,
                    _ => {
                        patterns.push(spelling);
                        meanings.push((says, languages));
                    }
                }
            }
        };
        for (index, language) in LANGUAGES.iter().enumerate() {
            for word in language.phone {
                add(word, Says::Phone, 1 << index);
            }
            for word in language.reach {
                add(word, Says::Reach, 1 << index);
            }
        }
        for word in OTHER {
            add(word, Says::Other, 0);
        }
        // Building fails only beyond what its state ids can count, millions of times this size;
        // a test holds it to being there.
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .build(&patterns)
            .ok();
        Self {
            automaton,
            meanings,
        }
    }

    /// What the words within [`context::BEFORE`] and [`context::AFTER`] bytes of `range` say.
    pub(super) fn near(&self, text: &[u8], range: &Range<usize>) -> Nearby {
        let mut found = Nearby::default();
        let Some(automaton) = &self.automaton else {
            return found;
        };
        let sides = [
            range.start.saturating_sub(context::BEFORE)..range.start,
            range.end..text.len().min(range.end + context::AFTER),
        ];
        for side in sides {
            let window = &text[side];
            spend(window.len());
            for hit in automaton.find_overlapping_iter(window) {
                if !stands_alone(window, hit.start(), hit.end()) {
                    continue;
                }
                let (says, languages) = self.meanings[hit.pattern().as_usize()];
                match says {
                    Says::Phone => found.phone = true,
                    Says::Reach => found.reach = true,
                    Says::Other => found.other = true,
                }
                found.languages |= languages;
            }
        }
        found
    }
}

/// The cases that a word is written in. The automaton folds ASCII letters itself.
fn spellings(word: &str) -> Vec<String> {
    let mut all = vec![word.to_owned()];
    if !word.is_ascii() {
        let mut letters = word.chars();
        let title: String = letters
            .next()
            .into_iter()
            .flat_map(char::to_uppercase)
            .chain(letters)
            .collect();
        all.extend([title, word.to_uppercase()]);
        all.dedup();
    }
    all
}

fn stands_alone(text: &[u8], start: usize, end: usize) -> bool {
    let joins = |own: Option<(char, usize)>, neighbour: Option<(char, usize)>| {
        own.is_some_and(|(c, _)| is_word(c)) && neighbour.is_some_and(|(c, _)| is_word(c))
    };
    !joins(char_after(text, start), char_before(text, start))
        && !joins(char_before(text, end), char_after(text, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(text: &str) -> Nearby {
        let at = text.find("42").unwrap();
        Words::new().near(text.as_bytes(), &(at..at + 2))
    }

    #[test]
    fn tells_languages_and_meanings() {
        assert_eq!(near("My PHONE: 42").languages, 1 << 1);
        assert_eq!(near("ТЕЛЕФОН 42").languages, 1 << 9);
        assert_eq!(near("Téléphone 42").languages, 1 << 3);
        assert_eq!(near("请打手机42").languages, 1 << 10);
        assert!(near("fax: 42").languages.count_ones() > 3);
        assert!(near("call 42").reach && !near("call 42").phone);
        assert!(near("order 42").other);
        assert_eq!(near("telephones and ordering 42"), Nearby::default());
        assert_eq!(near("42"), Nearby::default());
    }

    #[test]
    fn edges_inside_letters_do_no_harm() {
        let text = format!("{}42{}", "é".repeat(99), "é".repeat(99));
        assert_eq!(near(&text), Nearby::default());
    }
}
