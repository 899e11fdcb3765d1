//! The check of a prompt: a verdict in time, or the fail mode.

use std::collections::BTreeSet;
use std::sync::Arc;

use weir_types::{
    Action, Disposition, FailMode, Micros, StreamContract, Unjudged, UnjudgedCause, Verdict,
};

use crate::unjudged::UnjudgedSet;

/// One prompt's check.
///
/// ```text
/// Waiting --verdict--> Passed | Blocked
/// Waiting --budget over--> Passed (fail open) | Blocked (fail closed)
/// Passed --block--> Blocked            a block is never too late
/// ```
///
/// Cheap to clone: each stream of the request has one.
#[derive(Debug, Clone)]
pub struct PromptCheck {
    state: State,
    contract: Arc<StreamContract>,
    judgement: Option<Judgement>,
    timed_out: bool,
    bypassed: bool,
    unjudged: UnjudgedSet,
}

#[derive(Debug, Clone)]
enum State {
    Waiting { until: Micros },
    Passed,
    Blocked(Block),
}

/// What the verdict on a prompt says beside its action.
#[derive(Debug, Clone)]
struct Judgement {
    verdict_id: String,
    action: Action,
    owner_epoch: i64,
    policy_hash: String,
    /// Whether it brought the contract.
    with_contract: bool,
    categories: Vec<String>,
}

/// How a prompt was blocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What becomes of what was shown already, if anything was.
    pub disposition: Disposition,
    /// What to show instead; `None` for nothing.
    pub completion: Option<String>,
}

/// Where a check stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromptOutcome<'a> {
    /// Nothing of the answer may be shown yet.
    Waiting,
    /// The answer may be shown, as far as its own verdicts release it.
    Passed,
    /// There is no answer but the completion.
    Blocked(&'a Block),
}

impl PromptCheck {
    /// The check of a prompt that was sent at `sent_at`. `fallback` holds until a verdict brings the
    /// policy's contract: its `budget_us` is the time for that verdict.
    #[must_use]
    pub fn sent(fallback: Arc<StreamContract>, sent_at: Micros) -> Self {
        let budget = budget(&fallback);
        Self::sent_with_budget(fallback, budget, sent_at)
    }

    /// [`PromptCheck::sent`] with another time for this verdict.
    #[must_use]
    pub fn sent_with_budget(
        fallback: Arc<StreamContract>,
        budget: Micros,
        sent_at: Micros,
    ) -> Self {
        let until = sent_at.plus(budget);
        Self::new(State::Waiting { until }, fallback)
    }

    /// The check of a prompt that was not sent, since the breaker is open: the fail mode decides at
    /// once.
    #[must_use]
    pub fn bypassed(fallback: Arc<StreamContract>) -> Self {
        let mut check = Self::new(State::Passed, fallback);
        check.bypassed = true;
        check.unjudged.add_record(UnjudgedCause::Failed);
        check.fail();
        check
    }

    fn new(state: State, contract: Arc<StreamContract>) -> Self {
        Self {
            state,
            contract,
            judgement: None,
            timed_out: false,
            bypassed: false,
            unjudged: UnjudgedSet::default(),
        }
    }

    /// Takes in a verdict on this prompt. Verdicts of earlier owners are ignored unless they block.
    ///
    /// One that supersedes another only tightens, whatever its owner epoch: it lets nothing pass.
    pub fn on_verdict(&mut self, verdict: &Verdict) {
        if verdict.supersedes.is_some() && verdict.action != Action::Block {
            self.add_marks(verdict);
            return;
        }
        let earlier = self.judgement.as_ref().map(|it| it.owner_epoch);
        let blocks = verdict.action == Action::Block;
        if matches!(self.state, State::Blocked(_))
            || (!blocks && earlier.is_some_and(|epoch| verdict.owner_epoch <= epoch))
        {
            return;
        }
        for unjudged in &verdict.unjudged {
            self.unjudged.add(unjudged);
        }
        if let Some(contract) = &verdict.contract {
            self.contract = Arc::new(contract.clone());
        }
        let had_contract = self.judgement.as_ref().is_some_and(|it| it.with_contract);
        self.judgement = Some(Judgement {
            verdict_id: verdict.verdict_id.clone(),
            action: verdict.action,
            owner_epoch: verdict.owner_epoch,
            policy_hash: verdict.provenance.policy_hash.clone(),
            with_contract: had_contract || verdict.contract.is_some(),
            categories: categories(verdict),
        });
        self.state = if blocks {
            State::Blocked(Block {
                disposition: verdict.disposition.unwrap_or(self.contract.disposition),
                completion: verdict.completion.clone(),
            })
        } else {
            State::Passed
        };
    }

    /// Adds what a superseding verdict warns about, if it is stricter than the judgement in force.
    fn add_marks(&mut self, verdict: &Verdict) {
        let passed = matches!(self.state, State::Passed);
        let Some(judgement) = self.judgement.as_mut().filter(|_| passed) else {
            return;
        };
        if verdict.action > judgement.action {
            judgement.action = verdict.action;
            judgement.verdict_id.clone_from(&verdict.verdict_id);
            judgement.categories.extend(categories(verdict));
            judgement.categories.sort_unstable();
            judgement.categories.dedup();
        }
    }

    /// Takes in that it is `now`.
    pub fn on_tick(&mut self, now: Micros) {
        if let State::Waiting { until } = self.state
            && now >= until
        {
            self.timed_out = true;
            self.unjudged.add_record(UnjudgedCause::Expired);
            self.fail();
        }
    }

    fn fail(&mut self) {
        self.state = match self.contract.fail_mode {
            FailMode::Open => State::Passed,
            FailMode::Closed => State::Blocked(Block {
                disposition: self.contract.disposition,
                completion: self.contract.completion.clone(),
            }),
        };
    }

    /// When [`PromptCheck::on_tick`] will have something to do, if no verdict comes.
    #[must_use]
    pub const fn next_deadline(&self) -> Option<Micros> {
        match self.state {
            State::Waiting { until } => Some(until),
            State::Passed | State::Blocked(_) => None,
        }
    }

    /// Where it stands.
    #[must_use]
    pub const fn outcome(&self) -> PromptOutcome<'_> {
        match &self.state {
            State::Waiting { .. } => PromptOutcome::Waiting,
            State::Passed => PromptOutcome::Passed,
            State::Blocked(block) => PromptOutcome::Blocked(block),
        }
    }

    /// What holds for the streams of the request, as far as is known.
    #[must_use]
    pub fn contract(&self) -> &StreamContract {
        &self.contract
    }

    /// Whether the contract is the policy's, not the fallback.
    #[must_use]
    pub fn contract_is_known(&self) -> bool {
        self.judgement.as_ref().is_some_and(|it| it.with_contract)
    }

    /// The verdict that decided, if one did.
    #[must_use]
    pub fn verdict_id(&self) -> Option<&str> {
        self.judgement.as_ref().map(|it| it.verdict_id.as_str())
    }

    /// Categories that it warned about or acted upon, by name, sorted; none before a verdict.
    #[must_use]
    pub fn categories(&self) -> &[String] {
        self.judgement
            .as_ref()
            .map_or(&[], |judgement| judgement.categories.as_slice())
    }

    /// The policy that the prompt was judged by; `None` before a verdict.
    #[must_use]
    pub fn policy_hash(&self) -> Option<&str> {
        self.judgement.as_ref().map(|it| it.policy_hash.as_str())
    }

    /// Whether its budget ran out.
    #[must_use]
    pub const fn timed_out(&self) -> bool {
        self.timed_out
    }

    /// Whether the breaker was open.
    #[must_use]
    pub const fn is_bypassed(&self) -> bool {
        self.bypassed
    }

    /// What did not judge the prompt, and why; sorted. `record` where nothing did.
    #[must_use]
    pub fn unjudged(&self) -> &[Unjudged] {
        self.unjudged.as_slice()
    }
}

/// Categories that a verdict warned about or acted upon. A score says so itself; a finding does not, so that
/// those of a verdict that did anything all count.
fn categories(verdict: &Verdict) -> Vec<String> {
    let scores = verdict.scores.iter().filter(|score| score.margin >= 0.0);
    let findings = verdict
        .findings
        .iter()
        .filter(|_| verdict.action > Action::Allow);
    let named: BTreeSet<&str> = scores
        .map(|score| score.category.as_str())
        .chain(findings.map(|finding| finding.category.as_str()))
        .collect();
    named.into_iter().map(str::to_owned).collect()
}

/// A contract's time for a verdict; at least a microsecond, so that a wrong one cannot make time
/// stand still.
pub(crate) fn budget(contract: &StreamContract) -> Micros {
    Micros(u64::try_from(contract.budget_us).unwrap_or(0).max(1))
}
