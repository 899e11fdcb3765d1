//! Frequent words that tell two languages the library does not know: Hindi in Latin letters, and
//! Polish typed without its diacritics.
//!
//! The Hindi words are pronouns, postpositions, auxiliaries and conjunctions in the spellings that
//! people type; no standard fixes them. Words that are frequent in another of the supported
//! languages as well (`hai` and `ho` are Italian, `se` is Spanish) count half, and never alone.

/// Longest word in the lists, in bytes: what fits a `u64`.
const LONGEST: usize = 8;

/// How many words of a text stand in each list.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) words: u16,
    pub(super) hindi: u16,
    pub(super) hindi_shared: u16,
    pub(super) polish: u16,
}

/// Counts the words of `text`, at most a few hundred bytes.
pub(super) fn tally(text: &str) -> Tally {
    let mut tally = Tally::default();
    // Bytes outside ASCII are taken for letters: no dash or quote outside ASCII stands in a list.
    for word in text
        .as_bytes()
        .split(|byte| !byte.is_ascii_alphabetic() && byte.is_ascii())
    {
        if word.is_empty() {
            continue;
        }
        tally.words = tally.words.saturating_add(1);
        if word.len() < 2 || word.len() > LONGEST {
            continue;
        }
        let packed = pack(word);
        let listed = |list: &[u64]| u16::from(list.binary_search(&packed).is_ok());
        tally.hindi = tally.hindi.saturating_add(listed(&HINDI));
        tally.hindi_shared = tally.hindi_shared.saturating_add(listed(&HINDI_SHARED));
        tally.polish = tally.polish.saturating_add(listed(&POLISH));
    }
    tally
}

/// The bytes of a word of at most 8, ASCII in lower case, in an order that sorts like the words.
const fn pack(word: &[u8]) -> u64 {
    let mut packed = 0;
    let mut at = 0;
    while at < LONGEST {
        packed <<= 8;
        if at < word.len() {
            packed |= word[at].to_ascii_lowercase() as u64;
        }
        at += 1;
    }
    packed
}

const fn pack_all<const N: usize>(words: [&str; N]) -> [u64; N] {
    let mut packed = [0; N];
    let mut at = 0;
    while at < N {
        packed[at] = pack(words[at].as_bytes());
        at += 1;
    }
    packed
}

/// Romanised Hindi and little else; in order.
const HINDI: [u64; 142] = pack_all([
    "aadmi", "aaj", "aap", "aapka", "aapke", "aapki", "aapko", "abhi", "accha", "acha", "agar",
    "apna", "apne", "apni", "aur", "baat", "bahut", "batao", "bhi", "bohot", "chahie", "chahiye",
    "diya", "diye", "dono", "gaya", "gaye", "gayi", "haan", "hain", "hamara", "hamare", "hamari",
    "hoga", "hona", "hone", "hoon", "hota", "hote", "hoti", "hua", "hue", "humein", "humko",
    "inhe", "inka", "inke", "inki", "iska", "iske", "iski", "isko", "itna", "itne", "jaata", "jab",
    "jaise", "jata", "jate", "jati", "jayega", "kabhi", "kahan", "kaise", "kal", "karna", "karne",
    "karo", "karta", "karte", "karti", "karunga", "kaun", "kisi", "kisko", "kitna", "kitne",
    "kiya", "koi", "kuch", "kuchh", "kya", "kyonki", "kyu", "kyun", "kyunki", "ladka", "ladki",
    "lekin", "liye", "matlab", "mera", "mere", "meri", "mujhe", "mujhko", "nahee", "nahi", "nahin",
    "pata", "phir", "raha", "rahe", "rahi", "saath", "sab", "sabhi", "sabse", "sakta", "sakte",
    "sakti", "sath", "sirf", "tab", "tera", "tere", "teri", "theek", "toh", "tum", "tumhara",
    "tumhare", "tumhari", "tumhe", "unhe", "unka", "unke", "unki", "unko", "uska", "uske", "uski",
    "usko", "wahan", "wahi", "wale", "wali", "woh", "yahan", "yahi", "yeh", "zyada",
]);

/// Romanised Hindi and other languages; in order.
const HINDI_SHARED: [u64; 25] = pack_all([
    "bas", "ek", "hai", "hi", "ho", "hui", "hum", "ja", "ka", "kar", "ke", "ki", "ko", "log",
    "mai", "mein", "na", "ne", "pe", "se", "tha", "thi", "wala", "wo", "ye",
]);

/// Polish, with and without diacritics; in order.
const POLISH: [u64; 70] = pack_all([
    "aby", "ale", "bardzo", "byc", "być", "była", "było", "były", "chce", "chcę", "cos", "coś",
    "czy", "dla", "dlaczego", "gdzie", "jak", "jako", "jednak", "jego", "jej", "jest", "jestem",
    "jestes", "jeszcze", "juz", "już", "kiedy", "która", "które", "który", "których", "którzy",
    "lub", "mamy", "masz", "mnie", "moze", "mozna", "może", "można", "nasz", "nie", "niej", "oraz",
    "prosze", "proszę", "przed", "przez", "przy", "roku", "się", "są", "takich", "takie", "takim",
    "takze", "także", "tej", "tutaj", "tych", "tylko", "tym", "tymi", "wiec", "więc", "wszyscy",
    "zeby", "został", "żeby",
]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_in_order() {
        for list in [&HINDI[..], &HINDI_SHARED, &POLISH] {
            assert!(list.is_sorted());
        }
    }

    #[test]
    fn counts_whole_words_any_ascii_case() {
        let tally = tally("Mujhe nahi pata, hai na? JEST jestem");
        let expected = Tally {
            words: 7,
            hindi: 3,
            hindi_shared: 2,
            polish: 2,
        };
        assert_eq!(tally, expected);
    }
}
