//! Runs of characters that nobody sees, as they go by.

use serde::{Deserialize, Serialize};

/// What a run is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// Tag characters, U+E0000..E007F.
    Tag,
    /// Zero-width characters and variation selectors.
    Filler,
    /// Overrides of direction.
    Direction,
}

/// U+1F3F4, the black flag that flag sequences begin with.
const BLACK_FLAG: char = '\u{1f3f4}';
/// The tag that ends a flag sequence.
const CANCEL: char = '\u{e007f}';
/// Most letters and digits of a flag's region (ISO 3166-2).
const LONGEST_REGION: usize = 6;
/// Fewest.
const SHORTEST_REGION: usize = 3;

/// A run of hidden characters of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) kind: Kind,
    /// Original bytes.
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) count: usize,
    flag: Flag,
}

/// How far a run of tags is the rest of a flag sequence (Unicode Technical Standard 51, annex C).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Flag {
    No,
    /// So many letters or digits since the black flag.
    Region(usize),
}

/// Follows a text and keeps the runs that have ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hidden {
    run: Option<Run>,
    after_flag: bool,
    ended: Vec<Run>,
}

impl Hidden {
    /// Where the run begins that is not finished, in original bytes.
    pub(crate) fn open_from(&self) -> Option<usize> {
        self.run.map(|run| run.start)
    }

    /// A character goes by.
    pub(super) fn see(&mut self, c: char, start: usize, end: usize) {
        let Some(kind) = kind(c) else {
            self.end_run();
            self.after_flag = c == BLACK_FLAG;
            return;
        };
        let run = match &mut self.run {
            Some(run) if run.kind == kind => {
                run.end = end;
                run.count += 1;
                run
            }
            _ => {
                let flag = if self.after_flag {
                    Flag::Region(0)
                } else {
                    Flag::No
                };
                self.end_run();
                self.run.insert(Run {
                    kind,
                    start,
                    end,
                    count: 1,
                    flag,
                })
            }
        };
        let Flag::Region(letters) = run.flag else {
            return;
        };
        let ascii = u8::try_from(u32::from(c).wrapping_sub(0xe0000)).unwrap_or(0);
        if c == CANCEL && letters >= SHORTEST_REGION {
            // A whole flag, which is seen; what follows it is not part of it.
            self.run = None;
        } else if letters < LONGEST_REGION && (ascii.is_ascii_lowercase() || ascii.is_ascii_digit())
        {
            run.flag = Flag::Region(letters + 1);
        } else {
            run.flag = Flag::No;
        }
    }

    /// Something that is seen goes by.
    pub(super) fn end_run(&mut self) {
        self.ended.extend(self.run.take());
        self.after_flag = false;
    }

    /// The runs that have ended since this was last asked.
    pub(crate) fn take(&mut self) -> std::vec::Drain<'_, Run> {
        self.ended.drain(..)
    }
}

fn kind(c: char) -> Option<Kind> {
    match u32::from(c) {
        0xe0000..=0xe007f => Some(Kind::Tag),
        0x200b..=0x200d | 0x2060..=0x2064 | 0xfeff | 0x180b..=0x180f => Some(Kind::Filler),
        0xfe00..=0xfe0f | 0xe0100..=0xe01ef => Some(Kind::Filler),
        0x202d | 0x202e => Some(Kind::Direction),
        _ => None,
    }
}
