//! List members in the JSON output of commands.

use htaccess_generator::list::MemberPlace;
use serde::Serialize;

/// The name of a list, and the file and line of one of its members.
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
