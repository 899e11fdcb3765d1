//! What the built-in detectors check, in a line. Each detector's module says more.

use crate::matched::Match;

/// What was checked of a finding whose clean text is `text`.
pub(super) fn describe(found: &Match, text: &str) -> String {
    let rule = &*found.rule;
    let digits = text.chars().filter(char::is_ascii_digit).count();
    match found.detector {
        "card" => format!("{digits} digits in {}, Luhn holds", scheme(rule)),
        "iban" => {
            let account: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
            let country = account.get(..2).unwrap_or_default().to_ascii_uppercase();
            let length = account.len();
            format!(
                "IBAN of {country}: {length} characters as its country builds them, mod 97 is 1"
            )
        }
        "phone" => match rule {
            "international" => "a telephone number of no region, valid in its plan".to_owned(),
            region => format!(
                "a telephone number valid in the plan of {}",
                region.to_ascii_uppercase()
            ),
        },
        "national_id" => format!("{}, with the evidence that it asks for", national(rule)),
        detector => general(detector, rule).to_owned(),
    }
}

/// What needs nothing of the text.
fn general(detector: &str, rule: &str) -> &'static str {
    match (detector, rule) {
        ("email", _) => "a local part, @ and a domain name as RFC 5321 allows them",
        ("ip", "ipv4") => "four octets, not in a reserved block",
        ("ip", "ipv6") => "an IPv6 address of the global unicast block, not reserved",
        ("passport", "mrz_td3") => "a passport's machine-readable zone, all check digits hold",
        ("passport", "mrz_td2") => "a card's machine-readable zone of 36, all check digits hold",
        ("passport", "mrz_td1") => "a card's machine-readable zone of 30, its check digits hold",
        ("passport", "mrz_visa") => "a visa's machine-readable zone, its check digits hold",
        ("passport", "mrz_fr") => "a French identity card's zone, its check digits hold",
        ("passport", "de_passport") => {
            "a German passport number, its check digit holds, a word for passports near it"
        }
        ("passport", _) => "a travel document's number, its check digits hold",
        ("api_key", "github") => {
            "a GitHub token: prefix and length, and its checksum if it has one"
        }
        ("api_key", "gitlab") => {
            "a GitLab token: prefix and length, and its checksum if it has one"
        }
        ("api_key", "npm") => "an npm token: prefix, length and checksum",
        ("api_key", "aws") => "an AWS access key id: prefix, 16 base32 characters",
        ("api_key", "google") => "a Google API key: prefix, 35 base64url characters",
        ("api_key", "slack") => "a Slack token: prefix, numbers, secret",
        ("api_key", "stripe") => "a Stripe live key: prefix and length",
        ("api_key", "openai") => "an OpenAI key: prefix and the mark in its middle",
        ("api_key", "anthropic") => "an Anthropic key: prefix, kind, length and ending",
        ("api_key", "pypi") => "a PyPI token: prefix and the index's name in its macaroon",
        ("api_key", _) => "an API key in its issuer's format",
        ("private_key", "openssh") => "a header of an OpenSSH private key and base64 after it",
        ("private_key", "pgp") => "a header of a PGP private key and base64 after it",
        ("private_key", _) => "a PEM header of a private key and base64 after it",
        ("jwt", _) => "a JSON Web Token: its header decodes to JSON with alg, it has a signature",
        ("secret", _) => {
            "the value of a key, header or URL for secrets, too random for a word or placeholder"
        }
        ("injection", "role_forgery") => "delimiters of a chat template, or a forged role",
        ("injection", "exfiltration") => "asks for the hidden prompt, or sends data to an address",
        ("injection", "encoded") => "asks to decode something and to do what it says",
        ("injection", "invisible") => "a run of characters that nobody sees",
        ("injection", "persona") => "a phrase of jailbreaks",
        ("injection", rule) if rule.starts_with("override") => {
            "a verb of disregard near the instructions that it is to cancel"
        }
        ("injection", _) => "words and signs of an injection",
        _ => "the format of this detector",
    }
}

fn scheme(rule: &str) -> &str {
    match rule {
        "visa" => "Visa's range",
        "mastercard" => "Mastercard's range",
        "amex" => "American Express's range",
        "discover" => "Discover's range",
        "jcb" => "JCB's range",
        "diners" => "Diners Club's range",
        "unionpay" => "UnionPay's range",
        "maestro" => "Maestro's range",
        _ => "an issuer's range",
    }
}

fn national(rule: &str) -> &str {
    match rule {
        "us_ssn" => "a US social security number: area and group in use",
        "us_itin" => "a US taxpayer number (ITIN): 9xx and group in use",
        "br_cpf" => "a Brazilian CPF: two check digits mod 11",
        "br_cnpj" => "a Brazilian CNPJ: two check digits mod 11",
        "mx_curp" => "a Mexican CURP: date, state, check digit",
        "es_dni" => "a Spanish DNI: its letter mod 23",
        "es_nie" => "a Spanish NIE: its letter mod 23",
        "fr_nir" => "a French NIR: month, department, mod 97",
        "de_steuer_id" => "a German tax id: repetition, check digit mod 11,10",
        "de_personalausweis" => "a German identity card number: check digit 7-3-1",
        "it_codice_fiscale" => "an Italian codice fiscale: date, check letter",
        "nl_bsn" => "a Dutch BSN: mod 11",
        "pt_nif" => "a Portuguese NIF: first digits in use, mod 11",
        "uk_nhs_number" => "a UK NHS number: mod 11",
        "uk_nino" => "a UK national insurance number: its letters in use",
        "pl_pesel" => "a Polish PESEL: date, check digit",
        "pl_nip" => "a Polish NIP: mod 11",
        "ru_snils" => "a Russian SNILS: mod 101",
        "ru_inn" => "a Russian INN: mod 11",
        "cn_resident_id" => "a Chinese resident id: province, date, mod 11-2",
        "in_aadhaar" => "an Indian Aadhaar number: Verhoeff",
        "in_pan" => "an Indian PAN: five letters, four digits, a letter",
        "jp_my_number" => "a Japanese My Number: mod 11",
        "kr_rrn" => "a Korean resident number: date, check digit where it has one",
        "tr_tckn" => "a Turkish identity number: two check digits",
        "sa_national_id" => "a Saudi identity number: Luhn",
        "ae_emirates_id" => "an Emirates id: 784, year, Luhn",
        "eg_national_id" => "an Egyptian national number: date, governorate",
        _ => "a national number in its country's form",
    }
}
