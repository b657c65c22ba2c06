//! The member of a list in the JSON of the commands.

use htaccess_generator::list::MemberPlace;
use serde::Serialize;

/// The member of a list that a row names.
#[derive(Serialize)]
pub(crate) struct MemberJson<'a> {
    name: &'a str,
    file: &'a str,
    line: u64,
}

impl<'a> MemberJson<'a> {
    pub(crate) fn of(member: &'a MemberPlace) -> Self {
        Self {
            name: member.list.name.as_str(),
            file: &member.list.source,
            line: member.line,
        }
    }
}
