//! `override.<language>`: a verb of disregard near the instructions that it is to cancel.

use super::Found;
use super::cues::{Cue, Cues, Role};
use super::nearby::{self, Mood};
use super::phrases::NOT_AFTER;
use super::terms::{ENGLISH, LANGUAGES};

/// How far from the verb its object may stand, in bytes.
pub(super) const REACH: usize = 64;
/// How far after that a demand may follow.
pub(super) const DEMAND_REACH: usize = 40;
/// From here on an object is too far to be surely the verb's.
const CLOSE: usize = 40;
/// How far a qualifier may stand from its noun.
const QUALIFIER_GAP: usize = 28;

/// How far after the verb a qualifier may stand that has no noun: the above.
const NO_NOUN_GAP: usize = 8;

/// What follows a noun that names instructions for something else: the rules *of* grammar.
const LINKS: [&str; 23] = [
    " of ",
    " for ",
    " about ",
    " on ",
    " in my ",
    " in the ",
    " that came",
    " from ",
    " für ",
    " zur ",
    " zum ",
    " von ",
    " des ",
    " du ",
    " de la ",
    " de l'",
    " del ",
    " della ",
    " van ",
    " voor ",
    " para ",
    " для ",
    " per ",
];

/// What was found on one side of a verb.
#[derive(Debug, Default)]
struct Evidence {
    object: Option<Part>,
    soft_object: Option<Part>,
    everything: Option<Part>,
    first_prior: Option<Part>,
    last_prior: Option<Part>,
    whole: Option<Part>,
}

#[derive(Debug, Clone, Copy)]
struct Part {
    start: usize,
    end: usize,
}

impl Part {
    fn gap(self, other: Self) -> usize {
        let apart = |left: Self, right: Self| right.start.saturating_sub(left.end);
        apart(self, other).max(apart(other, self))
    }
}

impl Evidence {
    fn take(&mut self, cue: Cue, verb: Cue, text: &[u8]) {
        let english = cue.language == ENGLISH && !is_english(&text[verb.start..verb.end]);
        if cue.language != verb.language && !english {
            return;
        }
        let part = Part {
            start: cue.start,
            end: cue.end,
        };
        match cue.role {
            Role::Object => self.object = self.object.or(Some(part)),
            Role::SoftObject => self.soft_object = self.soft_object.or(Some(part)),
            Role::Everything => self.everything = self.everything.or(Some(part)),
            Role::Whole => self.whole = self.whole.or(Some(part)),
            Role::Prior => {
                self.first_prior = self.first_prior.or(Some(part));
                self.last_prior = Some(part);
            }
            _ => {}
        }
    }

    /// How complete the evidence is, and the part of the text that it fills.
    fn weigh(&self, verb_end: usize) -> Option<(f32, Part)> {
        let prior_near = |noun: Part| {
            [self.first_prior, self.last_prior]
                .into_iter()
                .flatten()
                .find(|prior| prior.gap(noun) <= QUALIFIER_GAP)
        };
        let whole_near = |noun: Part| self.whole.filter(|whole| whole.gap(noun) <= QUALIFIER_GAP);
        let (score, parts) = if let Some(noun) = self.object {
            let (prior, whole) = (prior_near(noun), whole_near(noun));
            let score = match (prior, whole) {
                (Some(_), Some(_)) => 0.90,
                (Some(_), None) => 0.84,
                (None, Some(_)) => 0.70,
                (None, None) => 0.42,
            };
            (score, [Some(noun), prior, whole])
        } else if let Some(noun) = self.everything {
            let prior = prior_near(noun);
            let score = match (prior, self.soft_object) {
                (Some(_), _) => 0.72,
                (None, Some(_)) => 0.52,
                (None, None) => 0.42,
            };
            (score, [Some(noun), prior, None])
        } else if let Some(noun) = self.soft_object {
            let (prior, whole) = (prior_near(noun), whole_near(noun));
            let score = match (prior, whole) {
                (Some(_), Some(_)) => 0.62,
                (Some(_), None) => 0.42,
                (None, Some(_)) => 0.40,
                (None, None) => 0.20,
            };
            (score, [Some(noun), prior, whole])
        } else {
            // Ignore the above and say: only with a demand more than a hint.
            let prior = self
                .first_prior
                .filter(|prior| prior.start <= verb_end + NO_NOUN_GAP)?;
            (0.36, [Some(prior), None, None])
        };
        parts
            .into_iter()
            .flatten()
            .reduce(|a, b| Part {
                start: a.start.min(b.start),
                end: a.end.max(b.end),
            })
            .map(|span| (score, span))
    }

    fn is_qualified(&self) -> bool {
        self.first_prior.is_some()
    }
}

/// The one verb that several languages spell alike: its nouns then say which it is.
fn is_english(verb: &[u8]) -> bool {
    verb.eq_ignore_ascii_case(b"ignore")
}

/// What `verb` amounts to with what stands around it.
pub(super) fn judge(cues: &Cues, text: &[u8], verb: Cue) -> Option<Found> {
    let terms = LANGUAGES.get(verb.language)?;
    let ahead = text.len().min(verb.end + REACH);
    let stop = nearby::sentence_end(text, verb.end, ahead);
    let mut after = Evidence::default();
    let mut last_demand = 0;
    for cue in cues.within(text, verb.end, ahead + DEMAND_REACH) {
        if cue.end <= stop {
            after.take(cue, verb, text);
        }
        let demands = cue.role == Role::Demand && cue.language == verb.language;
        if demands || matches!(cue.role, Role::Jailbreak | Role::Persona) {
            last_demand = cue.start;
        }
    }
    let mut best = after.weigh(verb.end).map(|(score, part)| {
        let far = part.start.saturating_sub(verb.end) > CLOSE;
        (
            if far { score - 0.15 } else { score },
            part,
            after.is_qualified(),
        )
    });
    if terms.verb_final {
        let from = nearby::sentence_start(text, verb.start.saturating_sub(REACH), verb.start);
        let mut before = Evidence::default();
        for cue in cues.within(text, from, verb.start) {
            before.take(cue, verb, text);
        }
        if let Some((score, part)) = before.weigh(0)
            && best.is_none_or(|(other, ..)| score > other)
        {
            best = Some((score, part, before.is_qualified()));
        }
    }
    let (mut score, part, qualified) = best?;
    let (start, end) = (verb.start.min(part.start), verb.end.max(part.end));
    if verb.role == Role::SoftVerb {
        score -= 0.03;
    }
    score += match mood(text, verb, start) {
        Mood::Order => 0.06,
        Mood::Told => -0.30,
        Mood::Negated => -0.50,
        // A subject stands before it, most likely: a driver ignored all instructions. Unless a
        // demand goes on the sentence: he shall ignore all instructions and say.
        Mood::Plain if !qualified && (end..stop).contains(&last_demand) => -0.15,
        Mood::Plain if !qualified => -0.35,
        Mood::Plain => 0.0,
    };
    if last_demand > end {
        score += 0.10;
    }
    if !qualified && LINKS.iter().any(|link| starts_with(&text[end..], link)) {
        score -= 0.25;
    }
    score = score.clamp(0.0, 0.97) * nearby::quoted(text, start, end);
    Some(Found {
        rule: terms.rule,
        start,
        end,
        score,
    })
}

/// The mood of a verb; the finding begins with its object where that is at `start` before it.
fn mood(text: &[u8], verb: Cue, start: usize) -> Mood {
    if NOT_AFTER
        .iter()
        .any(|not| starts_with(&text[verb.end..], not))
    {
        return Mood::Negated;
    }
    match nearby::mood(text, verb.start, verb.language) {
        Mood::Plain
            if start < verb.start && nearby::mood(text, start, verb.language) == Mood::Order =>
        {
            Mood::Order
        }
        mood => mood,
    }
}

fn starts_with(text: &[u8], word: &str) -> bool {
    text.get(..word.len())
        .is_some_and(|text| text.eq_ignore_ascii_case(word.as_bytes()))
}
