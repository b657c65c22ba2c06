//! Random policies, the clients to try on them, and an oracle that decides which clients get in.
//!
//! `tests/it` compares the command line with it, `tests/servers` compares real servers with it.

/// CSV text for a list of rules, plain or in one of many spellings.
pub(crate) mod csv_text;
/// The clients that get in, computed only from the definition.
pub(crate) mod oracle;
/// The clients at and next to every bound of a policy.
pub(crate) mod probes;
/// A small random number generator with a seed.
pub(crate) mod random;
/// Random rules with known bounds.
pub(crate) mod random_policy;
