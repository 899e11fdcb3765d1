//! What a text is written with: one pass that counts its letters by script, and its signs.

/// Letters by script, and what else there is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Census {
    pub(super) latin: u16,
    /// Letters of Polish that none of the other languages in Latin letters here uses.
    pub(super) polish: u16,
    pub(super) cyrillic: u16,
    /// Cyrillic letters that Russian lacks, such as those of Ukrainian, Serbian and Kazakh.
    pub(super) cyrillic_other: u16,
    pub(super) arabic: u16,
    /// Letters that Persian and Urdu have and Arabic lacks.
    pub(super) persian: u16,
    /// Letters that Urdu has and Persian lacks.
    pub(super) urdu: u16,
    pub(super) devanagari: u16,
    pub(super) han: u16,
    pub(super) kana: u16,
    pub(super) hangul: u16,
    pub(super) greek: u16,
    pub(super) hebrew: u16,
    pub(super) thai: u16,
    /// Letters of any other script.
    pub(super) other: u16,
    /// Signs that code and markup are full of and prose is not.
    pub(super) code: u16,
    /// Everything but white space.
    pub(super) visible: u16,
}

impl Census {
    /// Counts `text`, which must have less than 64 KiB.
    pub(super) fn of(text: &str) -> Self {
        let mut census = Self::default();
        let (mut before, mut run) = ('\0', 0_u16);
        for c in text.chars() {
            run = if c == before { run + 1 } else { 1 };
            before = c;
            // What most texts are made of first.
            if c.is_ascii_alphabetic() {
                census.latin += 1;
                census.visible += 1;
                continue;
            }
            // `)))))` is a smile, no code.
            let counted = run <= 2 || !c.is_ascii();
            if let Some(count) = census.counter(c).filter(|_| counted) {
                *count += 1;
            }
            census.visible += u16::from(!c.is_whitespace());
            match c {
                '\0'..='\u{7f}' => {}
                'ą' | 'ć' | 'ę' | 'ł' | 'ń' | 'ś' | 'ź' | 'ż' | 'Ą' | 'Ć' | 'Ę' | 'Ł' | 'Ń'
                | 'Ś' | 'Ź' | 'Ż' => census.polish += 1,
                // All but А to я, Ё and ё.
                '\u{400}'
                | '\u{402}'..='\u{40f}'
                | '\u{450}'
                | '\u{452}'..='\u{45f}'
                | '\u{460}'..='\u{52f}' => census.cyrillic_other += 1,
                'پ' | 'چ' | 'ژ' | 'گ' | 'ک' | 'ی' => census.persian += 1,
                'ٹ' | 'ڈ' | 'ڑ' | 'ں' | 'ے' | 'ہ' | 'ھ' => census.urdu += 1,
                _ => {}
            }
        }
        census
    }

    fn counter(&mut self, c: char) -> Option<&mut u16> {
        Some(match u32::from(c) {
            0x00..=0x7f => match c {
                '{' | '}' | '[' | ']' | '(' | ')' | ';' | '=' | '<' | '>' | '_' | '&' | '|'
                | '$' | '#' | '\\' | '/' | '*' | '+' | '`' | '@' | '~' | '^' => &mut self.code,
                _ => return None,
            },
            0xaa | 0xba | 0xc0..=0xd6 | 0xd8..=0xf6 | 0xf8..=0x24f | 0x1e00..=0x1eff => {
                &mut self.latin
            }
            0x370..=0x3ff | 0x1f00..=0x1fff => &mut self.greek,
            0x400..=0x52f => &mut self.cyrillic,
            0x590..=0x5ff => &mut self.hebrew,
            0x620..=0x65f
            | 0x66e..=0x6d3
            | 0x6d5..=0x6ef
            | 0x6fa..=0x77f
            | 0xfb50..=0xfdff
            | 0xfe70..=0xfefc => &mut self.arabic,
            0x900..=0x963 | 0x970..=0x97f => &mut self.devanagari,
            0xe00..=0xe4f => &mut self.thai,
            0x1100..=0x11ff | 0x3130..=0x318f | 0xac00..=0xd7a3 => &mut self.hangul,
            0x3040..=0x30ff | 0xff66..=0xff9d => &mut self.kana,
            0x3005 | 0x3400..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x3ffff => &mut self.han,
            _ if c.is_alphabetic() && !is_symbol_letter(c) => &mut self.other,
            _ => return None,
        })
    }
}

/// Letters by Unicode that are used as pictures: enclosed and mathematical ones, regional
/// indicators.
fn is_symbol_letter(c: char) -> bool {
    matches!(u32::from(c), 0x2100..=0x214f | 0x2460..=0x24ff | 0x1d400..=0x1d7ff | 0x1f100..=0x1f1ff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_script() {
        let census = Census::of("Aß żж їع پہ क字か한αשกა 1🙂{}");
        let expected = Census {
            latin: 3,
            polish: 1,
            cyrillic: 2,
            cyrillic_other: 1,
            arabic: 3,
            persian: 1,
            urdu: 1,
            devanagari: 1,
            han: 1,
            kana: 1,
            hangul: 1,
            greek: 1,
            hebrew: 1,
            thai: 1,
            other: 1,
            code: 2,
            visible: 20,
        };
        assert_eq!(census, expected);
    }
}
