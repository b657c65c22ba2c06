//! A model checker for the publishing protocol. It tests every interleaving of uploads, events, crashes
//! and faults in small cases, and random interleavings in large cases.
//!
//! `buckets` answers calls like S3. `invocation` runs the real code, one answer at a time. `learned`
//! records what the code does after each history of answers, so that each history is run only once,
//! even if many interleavings share it. `world` is the state that a schedule changes, and `promise` has
//! the promises about this state. `explore` visits all states, and `random` visits some of them.
//!
//! A call takes effect and is answered in one move. No case is lost, because an invocation does nothing
//! between the effect and the answer. A late answer is equivalent to a late next call. An answer that
//! never arrives is equivalent to a crash or to an error after the effect, which are separate moves.

/// EventBridge Scheduler: its schedules, and the calls that they make when they are due.
mod alarms;
/// Protocols and stores that are broken on purpose, in which the checks must find a violation.
mod broken;
/// The behaviour of S3: entity tags, conditions and versions.
mod buckets;
/// The contents of uploads and templates, and their outputs.
mod contents;
/// Every schedule of small cases.
mod exhaustive;
/// The exploration of all states, its figures, and the schedule that leads to a violation.
mod explore;
/// Changes that wait for an approval, and the changes that people have approved.
mod held;
/// Every schedule of cases with changes that need an approval.
mod holds;
/// The real code, which is polled one answer at a time.
mod invocation;
/// The calls of the code after each history of answers.
mod learned;
/// Every schedule of cases with a list and a site that uses it.
mod lists;
/// The promises, which are checked at every write and at every end.
mod promise;
/// The code under test: the real protocol, and broken ones.
mod protocols;
/// Random schedules of large cases.
mod random;
/// The steps of a case, its events and its faults.
mod scenario;
/// The effects of calls.
mod serve;
/// Every schedule of cases in which two uploads have the same output.
mod shared;
/// Every refusal and every failing call, one at a time.
mod survives;
/// Every schedule of cases in which rows start and end.
mod time;
/// Stores that make the code release held changes by mistake.
mod unheld;
/// The state and its moves.
mod world;
