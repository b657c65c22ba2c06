//! Determines the destination of an upload from its key, and checks its bucket and its version id.

use std::sync::Once;

use lambda_runtime::tracing::warn;

use crate::answer::{Answer, Refusal, Status};
use crate::function::error::{Error, ErrorKind};
use crate::function::settings::FunctionSettings;
use crate::function::store::{Head, ObjectName, Store};
use crate::list::{LISTS_FOLDER, ListId, ListName};
use crate::report::overview::SiteKind;
use crate::source::check_report_key;

/// The folder for the compiled lists and the compiled common CSV in the report bucket. Their keys do not end
/// in `.html`, so no report has the same key.
const COMPILED_FOLDER: &str = "compiled/";
/// The file extension of a compiled list.
const COMPILED_ENDING: &str = ".list";

/// The kind of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A CSV with the rules of a site.
    Site,
    /// A list that sites can use.
    List(ListId),
    /// The common CSV, whose rows apply to every site.
    Common,
}

/// The kind of an upload, and the object to which it is published.
pub(crate) struct Destination {
    pub(crate) kind: Kind,
    pub(crate) output: ObjectName,
}

impl Destination {
    /// Returns the destination that the key of an upload determines. Without a report bucket, every upload is
    /// a site.
    ///
    /// # Errors
    ///
    /// `unsafe-key` if no valid key for the output or the report can be made from the key of the input.
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

/// Returns the kind of an upload, for the overview.
pub(crate) fn kind_of(settings: &FunctionSettings, input: &ObjectName) -> SiteKind {
    match Destination::of(settings, input).map(|destination| destination.kind) {
        Ok(Kind::List(_)) => SiteKind::List,
        Ok(Kind::Common) => SiteKind::Common,
        Ok(Kind::Site) | Err(_) => SiteKind::Site,
    }
}

/// Returns the object name of a compiled list. `None` if there is no report bucket.
pub(crate) fn list_name_of(settings: &FunctionSettings, name: &ListName) -> Option<ObjectName> {
    compiled(settings, &format!("{LISTS_FOLDER}{name}{COMPILED_ENDING}"))
}

/// Returns the names of all published lists. Empty if there is no report bucket.
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

/// Returns the object name of the compiled common CSV. `None` if the settings contain no common CSV or no
/// report bucket.
pub(crate) fn common_name(settings: &FunctionSettings) -> Option<ObjectName> {
    settings.common_csv.as_ref()?;
    compiled_common(settings)
}

/// Returns the object name of the compiled common CSV, even if the settings no longer contain a common CSV.
/// `None` if there is no report bucket.
pub(crate) fn compiled_common(settings: &FunctionSettings) -> Option<ObjectName> {
    compiled(settings, "common.rules")
}

fn compiled(settings: &FunctionSettings, name: &str) -> Option<ObjectName> {
    Some(ObjectName {
        bucket: settings.report_bucket.clone()?,
        key: format!("{COMPILED_FOLDER}{name}"),
    })
}

/// Returns the answer for an upload that is refused because of its key. No report is written, because the key
/// of the report would contain the refused key.
pub(crate) fn refused_by_key(input: &ObjectName, refusal: &Refusal) -> Answer {
    Answer::new(&input.key, Status::Refused).refused(refusal)
}

/// Checks that the input is in the upload bucket (if `UPLOAD_BUCKET` is set), and that it is not in the
/// output bucket or the report bucket. Otherwise, the function's own writes could call the function again.
///
/// # Errors
///
/// [`ErrorKind::SameBucket`] if the input is in the output bucket or the report bucket, or
/// [`ErrorKind::OtherBucket`] if it is not in the upload bucket.
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

/// Checks that the input has a version id. In a bucket without versioning, two uploads of the same rules look
/// like one upload, so the function cannot guarantee the order of outputs. With a custom endpoint, which may
/// be an emulator without versions, a missing version id is only logged, and only once.
///
/// The version id `null` is accepted, because objects that were uploaded before versioning was enabled have
/// this id. Objects that were uploaded while versioning was suspended are accepted for the same reason: they
/// have the same id.
///
/// # Errors
///
/// [`ErrorKind::UnversionedBucket`] if the version id is missing and the endpoint is not custom.
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
