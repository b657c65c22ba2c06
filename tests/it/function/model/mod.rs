//! A model test of the publishing protocol: every interleaving of uploads, events, crashes and
//! faults in small cases, random ones in large.
//!
//! The parts: `buckets` answers a call as S3 would; `invocation` runs the real code, one answer at
//! a time; `learned` remembers what the code did for each history of answers, so that each is run
//! once however many interleavings share it; `world` is the state that a schedule moves through,
//! with what must hold of it; `explore` walks through all states, `random` through some.
//!
//! A call takes effect and is answered in one move. That loses nothing: between the two an
//! invocation does nothing, so a late answer is a late next call, and an answer that never comes is
//! a crash or an error after the effect, which are moves of their own.

/// S3's answers: entity tags, conditions, versions.
mod buckets;
/// The same checks on protocols and stores that are broken on purpose: they must fail.
mod broken;
/// Every schedule of small cases.
mod exhaustive;
/// The walk through all states, its figures, and the schedule that led to a wrong one.
mod explore;
/// The real code, polled by hand.
mod invocation;
/// What the code does after each history of answers.
mod learned;
/// What must hold, at every write and at every end.
mod promise;
/// Random schedules of large cases.
mod random;
/// What is uploaded, what is told of it, what may go wrong.
mod scenario;
/// Every refusal and every failing call, one at a time.
mod survives;
/// The state and its moves.
mod world;
