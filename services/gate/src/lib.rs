//! The fast path: prompts in, verdicts out.
//!
//! A [`Gate`] runs one or more lanes. A lane is a reader thread and a lane thread; the lane thread
//! owns everything that decides and does the steps below in a straight line, batch by batch:
//!
//! ```text
//! lane_loop::on_records   records polled together
//!   intake::prompt        decode, or say why not (-> dead letter, error verdict)
//!   Judge::judge          rules, classifier, verdict: weir_lane driven with a clock and a model
//!   Outbox                encode, publish; acknowledgements settle the ledger, the ledger commits
//! ```
//!
//! [`Judge`] knows no Kafka: `weir check` drives it too.

mod checkpoints;
mod clock;
mod config;
mod desk;
mod gate;
mod intake;
mod judge;
mod lane_loop;
mod outbox;
mod panics;
mod parked;
mod prompts;
mod second_look;
mod streams;

pub use clock::Clock;
pub use config::{GateConfig, Topics};
pub use gate::{Gate, GateError, Judges};
pub use intake::{Rejected, chunk as read_chunk, chunk_input, prompt as read_prompt};
pub use judge::{Answer, Judge};
pub use panics::keep_text_out_of_panics;
