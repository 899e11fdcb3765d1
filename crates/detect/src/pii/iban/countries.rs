//! The countries of the IBAN registry and the structure of their account numbers.

/// Country code and BBAN: parts of `n` digits, `a` letters or `c` letters and digits, each with
/// its length. Neighbouring parts of one kind are written as one.
///
/// SWIFT, "IBAN Registry" (ISO 13616-2), release of 2024.
pub(super) const COUNTRIES: [(&str, &[(u8, usize)]); 89] = [
    ("AD", &[(N, 8), (C, 12)]),
    ("AE", &[(N, 19)]),
    ("AL", &[(N, 8), (C, 16)]),
    ("AT", &[(N, 16)]),
    ("AZ", &[(A, 4), (C, 20)]),
    ("BA", &[(N, 16)]),
    ("BE", &[(N, 12)]),
    ("BG", &[(A, 4), (N, 6), (C, 8)]),
    ("BH", &[(A, 4), (C, 14)]),
    ("BI", &[(N, 23)]),
    ("BR", &[(N, 23), (A, 1), (C, 1)]),
    ("BY", &[(C, 4), (N, 4), (C, 16)]),
    ("CH", &[(N, 5), (C, 12)]),
    ("CR", &[(N, 18)]),
    ("CY", &[(N, 8), (C, 16)]),
    ("CZ", &[(N, 20)]),
    ("DE", &[(N, 18)]),
    ("DJ", &[(N, 23)]),
    ("DK", &[(N, 14)]),
    ("DO", &[(C, 4), (N, 20)]),
    ("EE", &[(N, 16)]),
    ("EG", &[(N, 25)]),
    ("ES", &[(N, 20)]),
    ("FI", &[(N, 14)]),
    ("FK", &[(A, 2), (N, 12)]),
    ("FO", &[(N, 14)]),
    ("FR", &[(N, 10), (C, 11), (N, 2)]),
    ("GB", &[(A, 4), (N, 14)]),
    ("GE", &[(A, 2), (N, 16)]),
    ("GI", &[(A, 4), (C, 15)]),
    ("GL", &[(N, 14)]),
    ("GR", &[(N, 7), (C, 16)]),
    ("GT", &[(C, 24)]),
    ("HN", &[(A, 4), (N, 20)]),
    ("HR", &[(N, 17)]),
    ("HU", &[(N, 24)]),
    ("IE", &[(A, 4), (N, 14)]),
    ("IL", &[(N, 19)]),
    ("IQ", &[(A, 4), (N, 15)]),
    ("IS", &[(N, 22)]),
    ("IT", &[(A, 1), (N, 10), (C, 12)]),
    ("JO", &[(A, 4), (N, 4), (C, 18)]),
    ("KW", &[(A, 4), (C, 22)]),
    ("KZ", &[(N, 3), (C, 13)]),
    ("LB", &[(N, 4), (C, 20)]),
    ("LC", &[(A, 4), (C, 24)]),
    ("LI", &[(N, 5), (C, 12)]),
    ("LT", &[(N, 16)]),
    ("LU", &[(N, 3), (C, 13)]),
    ("LV", &[(A, 4), (C, 13)]),
    ("LY", &[(N, 21)]),
    ("MC", &[(N, 10), (C, 11), (N, 2)]),
    ("MD", &[(C, 20)]),
    ("ME", &[(N, 18)]),
    ("MK", &[(N, 3), (C, 10), (N, 2)]),
    ("MN", &[(N, 16)]),
    ("MR", &[(N, 23)]),
    ("MT", &[(A, 4), (N, 5), (C, 18)]),
    ("MU", &[(A, 4), (N, 19), (A, 3)]),
    ("NI", &[(A, 4), (N, 20)]),
    ("NL", &[(A, 4), (N, 10)]),
    ("NO", &[(N, 11)]),
    ("OM", &[(N, 3), (C, 16)]),
    ("PK", &[(A, 4), (C, 16)]),
    ("PL", &[(N, 24)]),
    ("PS", &[(A, 4), (C, 21)]),
    ("PT", &[(N, 21)]),
    ("QA", &[(A, 4), (C, 21)]),
    ("RO", &[(A, 4), (C, 16)]),
    ("RS", &[(N, 18)]),
    ("RU", &[(N, 14), (C, 15)]),
    ("SA", &[(N, 2), (C, 18)]),
    ("SC", &[(A, 4), (N, 20), (A, 3)]),
    ("SD", &[(N, 14)]),
    ("SE", &[(N, 20)]),
    ("SI", &[(N, 15)]),
    ("SK", &[(N, 20)]),
    ("SM", &[(A, 1), (N, 10), (C, 12)]),
    ("SO", &[(N, 19)]),
    ("ST", &[(N, 21)]),
    ("SV", &[(A, 4), (N, 20)]),
    ("TL", &[(N, 19)]),
    ("TN", &[(N, 20)]),
    ("TR", &[(N, 6), (C, 16)]),
    ("UA", &[(N, 6), (C, 19)]),
    ("VA", &[(N, 18)]),
    ("VG", &[(A, 4), (N, 16)]),
    ("XK", &[(N, 16)]),
    ("YE", &[(A, 4), (N, 4), (C, 18)]),
];

const N: u8 = b'n';
const A: u8 = b'a';
const C: u8 = b'c';

/// The structure of the account numbers of `country`, given in capitals.
pub(super) fn structure(country: [u8; 2]) -> Option<&'static [(u8, usize)]> {
    COUNTRIES
        .binary_search_by(|(code, _)| code.as_bytes().cmp(&country))
        .ok()
        .map(|at| COUNTRIES[at].1)
}

/// Whether `bban`, in capitals and digits, is built like `structure`.
pub(super) fn is_built_like(bban: &[u8], structure: &[(u8, usize)]) -> bool {
    let mut rest = bban;
    for &(kind, length) in structure {
        let Some((part, after)) = rest.split_at_checked(length) else {
            return false;
        };
        let fits = match kind {
            N => part.iter().all(u8::is_ascii_digit),
            A => part.iter().all(u8::is_ascii_uppercase),
            _ => true,
        };
        if !fits {
            return false;
        }
        rest = after;
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_and_within_the_longest() {
        assert!(COUNTRIES.is_sorted_by(|a, b| a.0 < b.0));
        for (code, structure) in COUNTRIES {
            let length = 4 + structure.iter().map(|part| part.1).sum::<usize>();
            assert!((15..=super::super::MAX_CHARS).contains(&length), "{code}");
        }
    }
}
