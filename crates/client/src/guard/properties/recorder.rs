//! Carries effects out, and checks what must hold of any of them.

use proptest::prelude::*;

use super::gate::FakeGate;
use crate::effect::{Effect, Summary};

pub(super) struct Recorder<'a> {
    text: &'a [u8],
    sent: usize,
    chunks: i64,
    ended: bool,
    aborted: u32,
    cut: u32,
    pub(super) done: Option<Summary>,
    screen: Vec<u8>,
    shown: usize,
}

impl<'a> Recorder<'a> {
    pub(super) const fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            sent: 0,
            chunks: 0,
            ended: false,
            aborted: 0,
            cut: 0,
            done: None,
            screen: Vec::new(),
            shown: 0,
        }
    }

    /// How much was shown, as shown.
    pub(super) const fn shown(&self) -> usize {
        self.shown
    }

    pub(super) fn take(
        &mut self,
        effects: &[Effect],
        gate: &mut FakeGate,
    ) -> Result<(), TestCaseError> {
        for effect in effects {
            // A late block takes back more, and cuts what was whole.
            let late = matches!(effect, Effect::Retract { .. } | Effect::Cut(_));
            prop_assert!(self.done.is_none() || late, "{:?} after the end", effect);
            match effect {
                Effect::Send(chunk) => {
                    prop_assert_eq!((chunk.seq, chunk.byte_start), (self.chunks, self.sent));
                    prop_assert_eq!(chunk.opening.is_some(), chunk.seq == 0);
                    prop_assert!(!self.ended, "a chunk after the end");
                    let to = self.sent + chunk.text.len();
                    prop_assert_eq!(&chunk.text[..], &self.text[self.sent..to]);
                    (self.sent, self.chunks) = (to, self.chunks + 1);
                    self.ended = chunk.end != weir_wire::End::None;
                    prop_assert!(self.ended || !chunk.text.is_empty());
                    gate.judge(chunk);
                }
                Effect::Show(text) => {
                    prop_assert!(!text.is_empty() && self.cut == 0);
                    self.screen.extend_from_slice(text);
                    self.shown += text.len();
                }
                Effect::AbortEngine => self.aborted += 1,
                Effect::Retract { keep_bytes } => {
                    prop_assert!(*keep_bytes < self.screen.len());
                    self.screen.truncate(*keep_bytes);
                }
                Effect::Cut(cut) => {
                    self.cut += 1;
                    prop_assert!(cut.shown_to <= self.text.len());
                }
                Effect::Done(summary) => {
                    prop_assert_eq!(summary.sent_to, self.sent);
                    prop_assert_eq!(i64::try_from(summary.chunks).unwrap(), self.chunks);
                    self.done = Some(summary.clone());
                }
            }
        }
        prop_assert!(self.aborted <= 1 && self.cut <= 1);
        Ok(())
    }

    pub(super) fn shows_no_more_than(&self, expected: &[u8]) -> Result<(), TestCaseError> {
        prop_assert!(expected.starts_with(&self.screen), "{}", self.screen_text());
        Ok(())
    }

    pub(super) fn screen_text(&self) -> String {
        String::from_utf8_lossy(&self.screen).into_owned()
    }
}
