//! The buckets and the key of an upload, and the output that it names.

use std::sync::Once;

use lambda_runtime::tracing::warn;

use crate::answer::{Answer, Refusal, Status};
use crate::function::error::{Error, ErrorKind};
use crate::function::settings::FunctionSettings;
use crate::function::store::{Head, ObjectName, Store};
use crate::list::{LISTS_FOLDER, ListId, ListName};
use crate::report::overview::SiteKind;
use crate::source::check_report_key;

/// The folder of the bucket of the reports that has the compiled lists and the compiled common CSV. Their keys do not
/// end in `.html`, so none of them is the key of a report.
const COMPILED_FOLDER: &str = "compiled/";
/// The ending of the key of a compiled list.
const COMPILED_ENDING: &str = ".list";

/// The use of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It has the rules of a site.
    Site,
    /// It is a list, which sites name.
    List(ListId),
    /// It is the common CSV, whose rows apply to every site.
    Common,
}

/// The place to which an upload is published.
pub(crate) struct Destination {
    pub(crate) kind: Kind,
    pub(crate) output: ObjectName,
}

impl Destination {
    /// Returns the output that the key of an upload names. Without a bucket of reports there are no lists.
    ///
    /// # Errors
    ///
    /// `unsafe-key` if the output or the report of this input cannot have a key derived from its key.
    pub(crate) fn of(settings: &FunctionSettings, input: &ObjectName) -> Result<Self, Refusal> {
        let output_key = settings.settings.output_key.of(&input.key)?;
        if settings.report_bucket.is_some() {
            check_report_key(&input.key)?;
        }
        if settings.common_csv.as_ref() == Some(&input.key)
            && let Some(output) = common_name(settings)
        {
            return Ok(Self {
                kind: Kind::Common,
                output,
            });
        }
        if let Some(name) = ListName::of_key(&input.key)
            && let Some(output) = list_name_of(settings, &name)
        {
            let source = input.key.clone();
            return Ok(Self {
                kind: Kind::List(ListId { name, source }),
                output,
            });
        }
        Ok(Self {
            kind: Kind::Site,
            output: ObjectName {
                bucket: settings.output_bucket.clone(),
                key: output_key,
            },
        })
    }
}

/// Returns the use of an upload, for the overview.
pub(crate) fn kind_of(settings: &FunctionSettings, input: &ObjectName) -> SiteKind {
    match Destination::of(settings, input).map(|destination| destination.kind) {
        Ok(Kind::List(_)) => SiteKind::List,
        Ok(Kind::Common) => SiteKind::Common,
        Ok(Kind::Site) | Err(_) => SiteKind::Site,
    }
}

/// Returns the name of the compiled list. `None` without a bucket of reports.
pub(crate) fn list_name_of(settings: &FunctionSettings, name: &ListName) -> Option<ObjectName> {
    compiled(settings, &format!("{LISTS_FOLDER}{name}{COMPILED_ENDING}"))
}

/// Lists the names of all compiled lists. Empty without a bucket of reports.
///
/// # Errors
///
/// If the bucket cannot be listed.
pub(crate) async fn published_lists<S: Store>(
    store: &S,
    settings: &FunctionSettings,
) -> Result<Vec<ListName>, Error> {
    let Some(folder) = compiled(settings, LISTS_FOLDER) else {
        return Ok(Vec::new());
    };
    let keys = store.list(&folder.bucket, &folder.key).await?;
    let names = keys.iter().filter_map(|key| {
        let name = key
            .strip_prefix(&folder.key)?
            .strip_suffix(COMPILED_ENDING)?;
        ListName::new(name)
    });
    Ok(names.collect())
}

/// Returns the name of the compiled common CSV. `None` if there is none.
pub(crate) fn common_name(settings: &FunctionSettings) -> Option<ObjectName> {
    settings.common_csv.as_ref()?;
    compiled_common(settings)
}

/// Returns the name of the compiled common CSV, even if there is no longer a common CSV.
pub(crate) fn compiled_common(settings: &FunctionSettings) -> Option<ObjectName> {
    compiled(settings, "common.rules")
}

fn compiled(settings: &FunctionSettings, name: &str) -> Option<ObjectName> {
    Some(ObjectName {
        bucket: settings.report_bucket.clone()?,
        key: format!("{COMPILED_FOLDER}{name}"),
    })
}

/// Refuses an upload because of its key. There is no report, because its key would contain the refused
/// key.
pub(crate) fn refused_by_key(input: &ObjectName, refusal: &Refusal) -> Answer {
    Answer::new(&input.key, Status::Refused).refused(refusal)
}

/// Checks that the input is in the bucket of the uploads, and that nothing is written to that bucket,
/// because the function would start itself.
///
/// # Errors
///
/// [`ErrorKind::SameBucket`], [`ErrorKind::OtherBucket`].
pub(crate) fn check_buckets(settings: &FunctionSettings, input: &ObjectName) -> Result<(), Error> {
    let is_input = |bucket: &String| *bucket == input.bucket;
    let refuse = |kind| Err(Error::new(kind, format!("publish {input}")));
    if is_input(&settings.output_bucket) || settings.report_bucket.as_ref().is_some_and(is_input) {
        return refuse(ErrorKind::SameBucket);
    }
    if !settings.upload_bucket.as_ref().is_none_or(is_input) {
        return refuse(ErrorKind::OtherBucket);
    }
    Ok(())
}

/// Checks that the input is in a bucket with versions. Without them, the same rules uploaded twice look
/// like one upload, so the order of outputs is not certain. An emulator may have no versions: that is only
/// logged, once.
///
/// The version `null` is accepted: an object from before versioning was enabled has it. An object from a
/// time in which versioning was suspended cannot be distinguished from that.
///
/// # Errors
///
/// [`ErrorKind::UnversionedBucket`].
pub(crate) fn check_version(
    settings: &FunctionSettings,
    input: &ObjectName,
    head: &Head,
) -> Result<(), Error> {
    static LOGGED: Once = Once::new();
    if !head.version_id.is_empty() {
        return Ok(());
    }
    let err = Error::new(ErrorKind::UnversionedBucket, format!("GET {input}"));
    if settings.endpoint.is_none() {
        return Err(err);
    }
    LOGGED.call_once(|| warn!(error_type = err.kind().code(), "{err}"));
    Ok(())
}
