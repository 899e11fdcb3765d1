//! The classifier on a stream: when it is asked, about what, and how often it must say so.
//!
//! Windows compound: a model that is wrong about one window in 200 would be wrong about one stream in
//! ten if a stream has twenty. So one window only makes a stream suspect, which holds what comes from
//! there on, and the next one must agree before anything is cut. Where the verdict on the prompt named
//! the category already, that was the first.

use serde::{Deserialize, Serialize};
use weir_policy::Policy;
use weir_types::{Action, Category, Micros, ModelScores};

use super::text::Text;

/// Bytes of a window.
const WINDOW: usize = 512;
/// A window is due after so many new bytes...
const EVERY: usize = 256;
/// ... or after so many, where a sentence ends.
const SENTENCE: usize = 128;

/// What the classifier thinks of a stream so far.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Suspicion {
    /// Bytes that some window has covered.
    asked_to: usize,
    /// Bytes that had been covered before the last window.
    asked_before: usize,
    windows: u32,
    suspect: Option<Suspect>,
    /// What the verdict on the prompt named.
    named_by_prompt: [bool; Category::COUNT],
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Suspect {
    /// Where the window's new text began.
    from: i64,
    since: Micros,
    categories: [bool; Category::COUNT],
    /// The hold has run out and the text was let go.
    released: bool,
}

/// What a window's scores lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opinion {
    /// Nothing is held.
    Clear,
    /// The next window is waited for.
    Suspect,
    /// Two windows agree, or one and the prompt's verdict, or the only one says so: the text is to be
    /// cut here.
    Certain(i64),
}

impl Suspicion {
    /// Of a stream on whose prompt these categories were named.
    pub(super) fn after_prompt(categories: &[Category]) -> Self {
        Self {
            named_by_prompt: Category::ALL.map(|category| categories.contains(&category)),
            ..Self::default()
        }
    }

    /// Whether a window is due.
    pub(super) fn is_due(&self, text: &Text, ended: bool) -> bool {
        let new = text.len() - self.asked_to.min(text.len());
        let (kept, _) = text.kept();
        new >= EVERY || ended && new > 0 || new >= SENTENCE && ends_sentence(kept)
    }

    /// The text of the window that is due.
    pub(super) fn window(&mut self, text: &Text) -> String {
        self.asked_before = self.asked_to;
        self.asked_to = text.len();
        self.windows += 1;
        text.last(0, WINDOW)
    }

    /// The classifier does not answer: what is there goes without it.
    pub(super) fn pass(&mut self, text: &Text) {
        self.asked_to = text.len();
    }

    /// Bytes that some window has covered.
    pub(super) fn asked_to(&self) -> i64 {
        i64::try_from(self.asked_to).unwrap_or(i64::MAX)
    }

    /// From where on text is held.
    pub(super) fn holds_from(&self) -> Option<i64> {
        let suspect = self.suspect.as_ref()?;
        (!suspect.released).then_some(suspect.from)
    }

    /// When the hold is over.
    pub(super) fn expires(&self, hold: Micros) -> Option<Micros> {
        let suspect = self.suspect.as_ref()?;
        (!suspect.released).then_some(suspect.since.plus(hold))
    }

    /// Lets go of what is held, but stays suspicious.
    pub(super) fn release(&mut self) {
        if let Some(suspect) = &mut self.suspect {
            suspect.released = true;
        }
    }

    /// Its times by another clock.
    pub(super) fn translate(&mut self, time: impl Fn(Micros) -> Micros) {
        if let Some(suspect) = &mut self.suspect {
            suspect.since = time(suspect.since);
        }
    }

    /// Takes in what the classifier said of the last window.
    pub(super) fn take(
        &mut self,
        scores: &ModelScores,
        policy: &Policy,
        ended: bool,
        now: Micros,
    ) -> Opinion {
        let blocks = Category::ALL.map(|category| {
            policy
                .stream_tiers(category)
                .action(scores.calibrated[category.index()])
                == Action::Block
        });
        if !blocks.contains(&true) {
            self.suspect = None;
            return Opinion::Clear;
        }
        let from = i64::try_from(self.asked_before).unwrap_or(i64::MAX);
        let agree = |named: &[bool]| named.iter().zip(&blocks).any(|(one, other)| *one && *other);
        let before = self.suspect.as_ref();
        if let Some(before) = before.filter(|before| agree(&before.categories)) {
            return Opinion::Certain(before.from);
        }
        if agree(&self.named_by_prompt) || ended && self.windows == 1 {
            return Opinion::Certain(from);
        }
        self.suspect = Some(Suspect {
            from,
            since: now,
            categories: blocks,
            released: false,
        });
        Opinion::Suspect
    }
}

/// Whether the text ends like a sentence, in the scripts that Weir's languages use.
fn ends_sentence(text: &[u8]) -> bool {
    const ENDS: [&str; 9] = [".", "!", "?", "\n", "。", "！", "？", "।", "؟"];
    let spaces = text.iter().rev().take_while(|byte| **byte == b' ').count();
    let text = &text[..text.len() - spaces];
    ENDS.iter().any(|end| text.ends_with(end.as_bytes()))
}
