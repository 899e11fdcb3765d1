//! Whatever way a text is cut, and whenever its pieces and verdicts come.

mod gate;
mod recorder;

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use weir_types::{Action, Disposition, FailMode, Micros, OnExpiry, StreamContract, Verdict};
use weir_wire::End;

use super::Guard;
use crate::effect::Effect;
use crate::prompt::PromptCheck;
use gate::{FakeGate, expected, verdict};
use recorder::Recorder;

fn contract() -> impl Strategy<Value = StreamContract> {
    let on_expiry = prop_oneof![
        Just(OnExpiry::Hold),
        Just(OnExpiry::Cut),
        Just(OnExpiry::Release)
    ];
    let fail_mode = prop_oneof![Just(FailMode::Open), Just(FailMode::Closed)];
    (on_expiry, fail_mode, disposition(), -1..200_000i64, -1..100).prop_map(
        |(on_expiry, fail_mode, disposition, budget_us, hold_ms)| StreamContract {
            budget_us,
            hold_chars: 200,
            hold_ms,
            on_expiry,
            fail_mode,
            disposition,
            completion: None,
        },
    )
}

fn disposition() -> impl Strategy<Value = Disposition> {
    prop_oneof![
        Just(Disposition::Keep),
        Just(Disposition::Retract),
        Just(Disposition::Replace)
    ]
}

fn patient() -> StreamContract {
    StreamContract {
        budget_us: i64::MAX,
        hold_chars: 200,
        hold_ms: 40,
        on_expiry: OnExpiry::Hold,
        fail_mode: FailMode::Closed,
        disposition: Disposition::Retract,
        completion: None,
    }
}

fn passed(contract: &StreamContract) -> PromptCheck {
    let mut check = PromptCheck::sent(Arc::new(contract.clone()), Micros::ZERO);
    check.on_verdict(&Verdict {
        contract: Some(contract.clone()),
        ..verdict()
    });
    check
}

/// What happens next in a run with a gate that answers everything, in any order and more than once.
#[derive(Debug, Clone)]
enum Next {
    /// So many more bytes of the text.
    Push(usize),
    /// One of the verdicts that are on their way comes.
    Deliver(prop::sample::Index),
    /// One that has come comes again.
    Repeat(prop::sample::Index),
    /// One that has come comes again, as from an owner before.
    RepeatOld(prop::sample::Index),
}

fn next() -> impl Strategy<Value = Next> {
    prop_oneof![
        3 => (0..6usize).prop_map(Next::Push),
        3 => any::<prop::sample::Index>().prop_map(Next::Deliver),
        1 => any::<prop::sample::Index>().prop_map(Next::Repeat),
        1 => any::<prop::sample::Index>().prop_map(Next::RepeatOld),
    ]
}

/// Text with things to mask (`<12>`), matches that come to nothing (`<1`), and something to block (`!`).
fn text() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        6 => "[a-z é€😀]{0,4}",
        3 => "<[0-9]{0,4}>",
        1 => "<[0-9]{0,2}",
        1 => Just("!".to_owned()),
    ];
    vec(part, 0..12).prop_map(|parts| parts.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// The same is on the screen at the end: the text up to the cut, apart from masks; and never
    /// more on the way.
    #[test]
    fn any_chunking_and_any_order_shows_the_same(
        text in text(), steps in vec(next(), 0..60), last in vec(any::<prop::sample::Index>(), 30),
    ) {
        let expected = expected(&text);
        let mut guard = Guard::new(passed(&patient()));
        let mut gate = FakeGate::default();
        let mut recorder = Recorder::new(&text);
        let (mut pushed, mut now) = (0, Micros::ZERO);
        let mut delivered: Vec<Verdict> = Vec::new();
        let mut last = last.into_iter().cycle();
        let finish = std::iter::once(None);
        for step in steps.into_iter().map(Some).chain(finish) {
            now = now.plus(Micros(7));
            let effects = match step {
                Some(Next::Push(count)) => {
                    let from = pushed;
                    pushed = (from + count).min(text.len());
                    guard.push(&text[from..pushed], now).unwrap()
                }
                Some(Next::Deliver(index)) => match gate.take(&index) {
                    Some(verdict) => {
                        delivered.push(verdict.clone());
                        guard.on_verdict(&verdict, now)
                    }
                    None => guard.on_tick(now),
                },
                Some(Next::Repeat(_) | Next::RepeatOld(_)) if delivered.is_empty() => Vec::new(),
                Some(Next::Repeat(index)) => guard.on_verdict(index.get(&delivered), now),
                Some(Next::RepeatOld(index)) => {
                    let mut old = index.get(&delivered).clone();
                    old.owner_epoch -= 1;
                    guard.on_verdict(&old, now)
                }
                None => {
                    let mut effects = guard.push(&text[pushed..], now).unwrap();
                    effects.extend(guard.finish(End::Complete, now));
                    effects
                }
            };
            recorder.take(&effects, &mut gate)?;
            recorder.shows_no_more_than(&expected)?;
        }
        while let Some(verdict) = last.next().and_then(|index| gate.take(&index)) {
            now = now.plus(Micros(7));
            recorder.take(&guard.on_verdict(&verdict, now), &mut gate)?;
            recorder.shows_no_more_than(&expected)?;
        }
        prop_assert!(recorder.done.is_some(), "{guard:?}");
        // A block that overtakes shows nothing more, though it might.
        if gate.overtaken {
            recorder.shows_no_more_than(&expected)?;
        } else {
            prop_assert_eq!(recorder.screen_text(), String::from_utf8_lossy(&expected));
        }
    }
}

/// Anything at all.
#[derive(Debug, Clone)]
enum Anything {
    Push(usize),
    Wait(u64),
    Tick,
    Finish(End),
    Prompt(Box<Verdict>),
    Verdict(Box<Verdict>),
}

fn any_verdict() -> impl Strategy<Value = Box<Verdict>> {
    let numbers = (0..4i64, -1..6i64, 0..3i64, -1..40i64, -1..40i64);
    let rest = (
        prop::option::of(-1..40i64),
        prop::option::of(0..40i64),
        prop::option::of(disposition()),
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.1),
        prop::option::weighted(0.3, contract()),
    );
    (numbers, rest).prop_map(|(numbers, rest)| {
        let (owner_epoch, seq_from, more, checked_to, released_to) = numbers;
        let (truncate_at, hold_from, disposition, is_final, blocks, contract) = rest;
        Box::new(Verdict {
            owner_epoch,
            seq_from,
            seq_to: seq_from + more,
            checked_to,
            released_to,
            truncate_at,
            hold_from,
            disposition,
            is_final,
            contract,
            action: if blocks { Action::Block } else { Action::Allow },
            ..verdict()
        })
    })
}

fn superseding(action: Action, truncate_at: Option<i64>) -> Verdict {
    Verdict {
        supersedes: Some("v".to_owned()),
        owner_epoch: 0,
        action,
        truncate_at,
        is_final: true,
        checked_to: 400,
        released_to: 400,
        ..verdict()
    }
}

fn play(guard: &mut Guard, step: &Anything, text: &[u8], now: &mut Micros) -> Vec<Effect> {
    match step {
        Anything::Push(count) => guard.push(&text[..*count], *now).unwrap(),
        Anything::Wait(time) => {
            *now = now.plus(Micros(*time));
            Vec::new()
        }
        Anything::Tick => guard.on_tick(*now),
        Anything::Finish(end) => guard.finish(*end, *now),
        Anything::Prompt(verdict) => guard.on_prompt_verdict(verdict, *now),
        Anything::Verdict(verdict) => guard.on_verdict(verdict, *now),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whenever it comes, on the stream or on the prompt, and however often.
    #[test]
    fn after_a_superseding_block_no_byte_comes_out(
        prompt in any_prompt(), before in vec(anything(), 0..30), after in vec(anything(), 0..30),
        at in prop::option::of(-1..40i64), on_prompt in any::<bool>(),
    ) {
        let (text, mut now) = (vec![b'a'; 8], Micros::ZERO);
        let mut guard = Guard::new(prompt);
        for step in &before {
            play(&mut guard, step, &text, &mut now);
        }
        let block = Box::new(superseding(Action::Block, at));
        let block = if on_prompt { Anything::Prompt(block) } else { Anything::Verdict(block) };
        let was_over = guard.is_over() || guard.decided.is_some();
        let rest = [&block].into_iter().chain(&after).chain([&block]);
        for step in rest {
            let effects = play(&mut guard, step, &text, &mut now);
            prop_assert!(was_over || !effects.iter().any(|it| matches!(it, Effect::Show(_))));
        }
    }

    /// On the stream it changes nothing but a count, on the prompt nothing.
    #[test]
    fn a_superseding_allow_changes_nothing(
        prompt in any_prompt(), steps in vec((anything(), any::<bool>(), any::<bool>()), 0..40),
    ) {
        let (text, mut now, mut same) = (vec![b'a'; 8], Micros::ZERO, Micros::ZERO);
        let (mut guard, mut other) = (Guard::new(prompt.clone()), Guard::new(prompt));
        let allow = superseding(Action::Allow, None);
        for (step, comes, on_prompt) in &steps {
            let mut got = play(&mut guard, step, &text, &mut now);
            let mut wanted = play(&mut other, step, &text, &mut same);
            // Time passes for both alike.
            wanted.extend(other.on_tick(same));
            got.extend(match (comes, on_prompt) {
                (false, _) => guard.on_tick(now),
                (true, false) => guard.on_verdict(&allow, now),
                (true, true) => guard.on_prompt_verdict(&allow, now),
            });
            for effect in got.iter_mut().chain(&mut wanted) {
                if let Effect::Done(summary) = effect {
                    summary.stale = 0;
                }
            }
            prop_assert_eq!(got, wanted);
            prop_assert_eq!(guard.next_deadline(), other.next_deadline());
        }
    }
}

fn anything() -> impl Strategy<Value = Anything> {
    let end = prop_oneof![
        Just(End::None),
        Just(End::Complete),
        Just(End::Error),
        Just(End::ClientAbort)
    ];
    prop_oneof![
        5 => (0..6usize).prop_map(Anything::Push),
        3 => (0..60_000u64).prop_map(Anything::Wait),
        2 => Just(Anything::Tick),
        1 => end.prop_map(Anything::Finish),
        1 => any_verdict().prop_map(Anything::Prompt),
        5 => any_verdict().prop_map(Anything::Verdict),
    ]
}

fn any_prompt() -> impl Strategy<Value = PromptCheck> {
    (contract(), 0..3).prop_map(|(contract, kind)| match kind {
        0 => PromptCheck::sent(Arc::new(contract), Micros::ZERO),
        1 => PromptCheck::bypassed(Arc::new(contract)),
        _ => passed(&contract),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// Whatever comes, the rules hold, and time ends the stream once the engine has ended.
    #[test]
    fn the_rules_hold_and_every_stream_ends(
        prompt in any_prompt(), steps in vec(anything(), 0..40), byte in prop_oneof![Just(b'a'), Just(0xe2), Just(0x82)],
    ) {
        let text = vec![byte; 400];
        let mut guard = Guard::new(prompt);
        let mut gate = FakeGate::default();
        let mut recorder = Recorder::new(&text);
        let (mut pushed, mut now) = (0, Micros::ZERO);
        let mut most_released = 0;
        let mut may_concede = guard.prompt().is_bypassed();
        let steps = steps.into_iter().chain([Anything::Finish(End::Complete)]);
        for step in steps {
            let waited = guard.next_deadline().is_some_and(|deadline| deadline <= now);
            let effects = match step {
                Anything::Push(count) => {
                    let from = pushed;
                    if guard.takes_text() {
                        pushed += count;
                    }
                    guard.push(&text[from..from + count], now).unwrap()
                }
                Anything::Wait(time) => {
                    now = now.plus(Micros(time));
                    Vec::new()
                }
                Anything::Tick => guard.on_tick(now),
                Anything::Finish(end) => guard.finish(end, now),
                Anything::Prompt(verdict) => guard.on_prompt_verdict(&verdict, now),
                Anything::Verdict(verdict) => {
                    let cut = if verdict.action == Action::Block { verdict.truncate_at } else { None };
                    let released = cut.unwrap_or(verdict.released_to.min(verdict.checked_to));
                    most_released = most_released.max(usize::try_from(released).unwrap_or(0));
                    guard.on_verdict(&verdict, now)
                }
            };
            may_concede |= waited || guard.timeouts() > 0 || guard.hold_expired;
            recorder.take(&effects, &mut gate)?;
            prop_assert!(recorder.shown() <= pushed);
            if !may_concede {
                prop_assert!(recorder.shown() <= most_released);
            }
            if guard.prompt().next_deadline().is_some() {
                prop_assert_eq!(recorder.shown(), 0);
            }
        }
        // A hold, a budget for each of two chunks, the prompt's.
        for _ in 0..6 {
            let Some(deadline) = guard.next_deadline() else { break };
            now = now.max(deadline);
            recorder.take(&guard.on_tick(now), &mut gate)?;
            prop_assert!(guard.next_deadline().is_none_or(|next| next > now));
        }
        prop_assert!(recorder.done.is_some() && guard.is_over(), "{:?}", guard);
    }
}
