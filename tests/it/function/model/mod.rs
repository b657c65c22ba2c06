//! A model test of the publishing protocol: every interleaving of uploads, events, crashes and
//! faults in small cases, and random ones in large cases.
//!
//! The parts: `buckets` answers a call like S3. `invocation` runs the real code, one answer at a
//! time. `learned` records what the code did for each history of answers, so that each is run once,
//! however many interleavings share it. `world` is the state that a schedule changes, with the
//! promises about it. `explore` visits all states, and `random` some of them.
//!
//! A call takes effect and is answered in one move. This loses no case, because an invocation does
//! nothing between the two: a late answer is the same as a late next call, and an answer that never
//! comes is the same as a crash or an error after the effect, which are separate moves.

/// The calls of schedules at their instants.
mod alarms;
/// The same checks on protocols and stores that are broken on purpose, which must fail.
mod broken;
/// The answers of S3: entity tags, conditions, versions.
mod buckets;
/// The contents of uploads, and their outputs.
mod contents;
/// Every schedule of small cases.
mod exhaustive;
/// The visit of all states, its figures, and the schedule that led to a violation.
mod explore;
/// Changes that wait for an approval, and what people approved.
mod held;
/// Every schedule of cases with changes that need an approval.
mod holds;
/// The real code, polled by hand.
mod invocation;
/// The calls of the code after each history of answers.
mod learned;
/// Every schedule of cases with a list and a site that names it.
mod lists;
/// The promises, checked at every write and at every end.
mod promise;
/// The code under test.
mod protocols;
/// Random schedules of large cases.
mod random;
/// The uploads of a case, their events, and the faults.
mod scenario;
/// The effects of calls.
mod serve;
/// Every schedule of cases in which two uploads have the same output.
mod shared;
/// Every refusal and every failing call, one at a time.
mod survives;
/// Every schedule of cases in which rows start and end.
mod time;
/// Protocols that release a held change by mistake.
mod unheld;
/// The state and its moves.
mod world;
