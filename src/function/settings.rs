//! Reads the function's settings, including those that the command line does not have.

use crate::list::ListName;
use crate::render::{BuiltIn, built_in_names};
use crate::settings::{DEFAULT_TEMPLATE, HoldAbove, SettingError, Settings, Spelling, hold_above};
use crate::source::{check_key, is_csv_name};

/// The maximum length of a schedule group's name, in characters
/// (<https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateScheduleGroup.html>).
const MAX_GROUP_CHARS: usize = 64;

/// The location of the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateChoice {
    /// A built-in template, with its name.
    BuiltIn(String),
    /// An S3 object, written as `s3://bucket/key`.
    Object {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
    },
}

/// The effect of a CSV's deletion on its output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDelete {
    /// The output stays, so that a site does not become accessible to everybody when its CSV disappears.
    #[default]
    Keep,
    /// The output is removed.
    Remove,
    /// The output is replaced by an output that denies everybody.
    Deny,
}

/// The certificate authorities that a connection to AWS trusts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrustRoots {
    /// The five roots that Amazon Trust Services recommends for custom trust stores
    /// (<https://www.amazontrust.com/repository/>). Reading the system's hundreds of roots takes longer than
    /// the rest of a cold start.
    #[default]
    Amazon,
    /// The roots that the system trusts, or the roots in `SSL_CERT_FILE` and `SSL_CERT_DIR` if these
    /// variables are set.
    System,
}

impl OnDelete {
    /// Returns the setting's value, such as `keep`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Remove => "remove",
            Self::Deny => "deny",
        }
    }
}

impl TrustRoots {
    /// Returns Amazon's roots for AWS's own endpoints. Returns the system's roots for a custom endpoint, for
    /// custom roots, and in partitions with their own certificate authority.
    fn choose(region: &str, endpoint: Option<&str>, has_own_roots: bool) -> Self {
        const OTHER_PARTITIONS: [&str; 4] = ["cn-", "us-iso", "eu-iso", "eusc-"];
        let is_elsewhere = OTHER_PARTITIONS
            .iter()
            .any(|prefix| region.starts_with(prefix));
        if has_own_roots || endpoint.is_some() || is_elsewhere {
            Self::System
        } else {
            Self::Amazon
        }
    }
}

/// The settings for schedules, which call the function when rows start or end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleSettings {
    /// `SCHEDULE_GROUP`: the group of EventBridge Scheduler in which schedules are created.
    pub group: String,
    /// `SCHEDULE_ROLE_ARN`: the role that EventBridge Scheduler assumes to call the function.
    pub role_arn: String,
    /// `SCHEDULE_FAILURE_QUEUE_ARN`: the queue for calls that cannot be delivered. If unset, such calls are
    /// lost.
    pub failure_queue_arn: Option<String>,
    /// `AWS_ENDPOINT_URL_SCHEDULER`: the URL of an emulator, which is called instead of EventBridge
    /// Scheduler.
    pub endpoint: Option<String>,
    /// The certificate authorities that connections to EventBridge Scheduler trust.
    pub roots: TrustRoots,
}

/// All settings of the function: the [`Settings`] that both programs have, and those that only the function
/// has.
#[derive(Clone, Debug)]
pub struct FunctionSettings {
    /// The settings that determine the content of an output.
    pub settings: Settings,
    /// `TEMPLATE`: the name of a built-in template, or `s3://bucket/key`. Default: `apache24`.
    pub template: TemplateChoice,
    /// `UPLOAD_BUCKET`: the upload bucket. Events about other buckets fail. If unset, events may come from
    /// any bucket.
    pub upload_bucket: Option<String>,
    /// `OUTPUT_BUCKET`: the bucket for outputs. Required.
    pub output_bucket: String,
    /// `REPORT_BUCKET`: the bucket for reports. If unset, no reports are written.
    pub report_bucket: Option<String>,
    /// `COMMON_CSV`: the key of the CSV whose rows apply to every site. If unset, there is no such CSV.
    pub common_csv: Option<String>,
    /// `ON_DELETE`: the effect of a CSV's deletion on its output. Default: `keep`.
    pub on_delete: OnDelete,
    /// `HOLD_ABOVE`: the largest change to a site that is published without an approval, in percent. If unset
    /// or 0, no change is held.
    pub hold_above: Option<HoldAbove>,
    /// `AWS_ENDPOINT_URL_S3`: the URL of an emulator, which is called instead of S3, with path-style
    /// addresses.
    pub endpoint: Option<String>,
    /// `AWS_REGION`, which Lambda sets. Default: `us-east-1`.
    pub region: String,
    /// The certificate authorities that connections to S3 trust. `SSL_CERT_FILE` and `SSL_CERT_DIR` replace
    /// Amazon's roots.
    pub roots: TrustRoots,
    /// `SCHEDULE_GROUP` and the other settings for schedules. `None` if they are unset: the function is then
    /// not called when rows start or end.
    pub schedules: Option<ScheduleSettings>,
}

impl FunctionSettings {
    /// Reads all settings of the function.
    ///
    /// # Errors
    ///
    /// An error about the first setting that is missing or invalid.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let value = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let endpoint = |name| {
            let url = value(name);
            url.map(|value| endpoint(name, value)).transpose()
        };
        let (endpoint, scheduler_endpoint) = (
            endpoint("AWS_ENDPOINT_URL_S3")?,
            endpoint("AWS_ENDPOINT_URL_SCHEDULER")?,
        );
        let region = value("AWS_REGION").unwrap_or_else(|| "us-east-1".to_owned());
        let has_own_roots = value("SSL_CERT_FILE").or(value("SSL_CERT_DIR")).is_some();
        let roots = |endpoint: Option<&str>| TrustRoots::choose(&region, endpoint, has_own_roots);
        let scheduler_roots = roots(scheduler_endpoint.as_deref());
        Ok(Self {
            roots: roots(endpoint.as_deref()),
            schedules: schedules(value, scheduler_endpoint, scheduler_roots)?,
            settings: Settings::read(Spelling::Variable, &lookup)?,
            template: template(&value("TEMPLATE").unwrap_or(DEFAULT_TEMPLATE.to_owned()))?,
            output_bucket: value("OUTPUT_BUCKET").ok_or_else(|| SettingError {
                name: "OUTPUT_BUCKET".to_owned(),
                problem: "is not set: expected the name of the bucket for outputs".to_owned(),
            })?,
            upload_bucket: value("UPLOAD_BUCKET"),
            report_bucket: value("REPORT_BUCKET"),
            common_csv: common_csv(value)?,
            hold_above: hold_above("HOLD_ABOVE", &value("HOLD_ABOVE").unwrap_or_default())?,
            on_delete: match value("ON_DELETE") {
                Some(value) => on_delete(&value)?,
                None => OnDelete::default(),
            },
            endpoint,
            region,
        })
    }
}

fn on_delete(value: &str) -> Result<OnDelete, SettingError> {
    match value {
        "keep" => Ok(OnDelete::Keep),
        "remove" => Ok(OnDelete::Remove),
        "deny" => Ok(OnDelete::Deny),
        _ => Err(SettingError::new(
            "ON_DELETE",
            value,
            "expected keep, remove or deny",
        )),
    }
}

/// Reads the key of the common CSV. Its compiled form is written to the report bucket, so `REPORT_BUCKET`
/// must be set.
fn common_csv(value: impl Fn(&str) -> Option<String>) -> Result<Option<String>, SettingError> {
    let Some(key) = value("COMMON_CSV") else {
        return Ok(None);
    };
    let allowed = if !is_csv_name(&key) || check_key(&key).is_err() {
        "expected the key of a CSV, such as _common.csv"
    } else if ListName::of_key(&key).is_some() {
        "a CSV in lists/ is a list; expected another key, such as _common.csv"
    } else if value("REPORT_BUCKET").is_none() {
        "a common CSV needs REPORT_BUCKET, which is not set"
    } else {
        return Ok(Some(key));
    };
    Err(SettingError::new("COMMON_CSV", &key, allowed))
}

fn endpoint(name: &str, value: String) -> Result<String, SettingError> {
    if value.starts_with("http://") || value.starts_with("https://") {
        return Ok(value);
    }
    let allowed = "expected a URL that starts with http:// or https://";
    Err(SettingError::new(name, &value, allowed))
}

/// Reads the settings for schedules. The group and the role must be both set or both unset.
fn schedules(
    value: impl Fn(&str) -> Option<String>,
    endpoint: Option<String>,
    roots: TrustRoots,
) -> Result<Option<ScheduleSettings>, SettingError> {
    let missing = |name: &str, what: &str, other: &str| SettingError {
        name: name.to_owned(),
        problem: format!("is not set: expected {what}, because {other} is set"),
    };
    let (group, role_arn) = match (value("SCHEDULE_GROUP"), value("SCHEDULE_ROLE_ARN")) {
        (None, None) => return Ok(None),
        (Some(group), Some(role_arn)) => (group, role_arn),
        (None, Some(_)) => {
            let what = "the name of a schedule group";
            return Err(missing("SCHEDULE_GROUP", what, "SCHEDULE_ROLE_ARN"));
        }
        (Some(_), None) => {
            let what = "the ARN of the role that calls this function";
            return Err(missing("SCHEDULE_ROLE_ARN", what, "SCHEDULE_GROUP"));
        }
    };
    let is_in_name = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.');
    if group.len() > MAX_GROUP_CHARS || !group.chars().all(is_in_name) {
        let allowed = "expected at most 64 letters, digits, -, _ and .";
        return Err(SettingError::new("SCHEDULE_GROUP", &group, allowed));
    }
    if !is_arn(&role_arn, "iam", "role/") {
        let allowed = "expected the ARN of a role, such as arn:aws:iam::123456789012:role/name";
        return Err(SettingError::new("SCHEDULE_ROLE_ARN", &role_arn, allowed));
    }
    let failure_queue_arn = value("SCHEDULE_FAILURE_QUEUE_ARN");
    if let Some(arn) = failure_queue_arn
        .as_ref()
        .filter(|arn| !is_arn(arn, "sqs", ""))
    {
        let allowed =
            "expected the ARN of a queue, such as arn:aws:sqs:eu-west-3:123456789012:name";
        return Err(SettingError::new(
            "SCHEDULE_FAILURE_QUEUE_ARN",
            arn,
            allowed,
        ));
    }
    Ok(Some(ScheduleSettings {
        group,
        role_arn,
        failure_queue_arn,
        endpoint,
        roots,
    }))
}

/// Returns whether the text is an ARN of this service, with an account and a name that starts with
/// `prefix` (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>).
fn is_arn(text: &str, service: &str, prefix: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [arn, partition, named, _region, account, name] = parts[..] else {
        return false;
    };
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let is_named = name
        .strip_prefix(prefix)
        .is_some_and(|name| !name.is_empty() && name.chars().all(|char| char.is_ascii_graphic()));
    arn == "arn" && partition.starts_with("aws") && named == service && is_account && is_named
}

pub(crate) fn template(value: &str) -> Result<TemplateChoice, SettingError> {
    if let Some((bucket, key)) = value
        .strip_prefix("s3://")
        .and_then(|rest| rest.split_once('/'))
        && !bucket.is_empty()
        && !key.is_empty()
    {
        return Ok(TemplateChoice::Object {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        });
    }
    if BuiltIn::find(value).is_some() {
        return Ok(TemplateChoice::BuiltIn(value.to_owned()));
    }
    let allowed = format!("expected {} or s3://bucket/key", built_in_names());
    Err(SettingError::new("TEMPLATE", value, &allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedules_of(entries: &[(&str, &str)]) -> Result<Option<ScheduleSettings>, String> {
        let value = |name: &str| {
            let entry = entries.iter().find(|(entry, _)| *entry == name);
            entry.map(|(_, value)| (*value).to_owned())
        };
        schedules(value, None, TrustRoots::Amazon).map_err(|err| err.to_string())
    }

    const ROLE: (&str, &str) = ("SCHEDULE_ROLE_ARN", "arn:aws:iam::123456789012:role/a/b");

    #[test]
    fn schedules_need_a_group_and_a_role() {
        assert_eq!(schedules_of(&[]), Ok(None));
        let queue = "arn:aws-us-gov:sqs:us-gov-west-1:123456789012:failures";
        let group = ("SCHEDULE_GROUP", "group_1.a-b");
        let entries = [group, ROLE, ("SCHEDULE_FAILURE_QUEUE_ARN", queue)];
        let settings = schedules_of(&entries).unwrap().unwrap();
        assert_eq!(settings.group, group.1);
        assert_eq!(settings.failure_queue_arn.as_deref(), Some(queue));
    }

    #[test]
    fn bad_settings_for_schedules_are_refused_with_a_sentence() {
        let group = ("SCHEDULE_GROUP", "group");
        let long = "g".repeat(65);
        for (entries, expected) in [
            (
                &[group][..],
                "SCHEDULE_ROLE_ARN is not set: expected the ARN of the role that calls this function, because SCHEDULE_GROUP is set",
            ),
            (
                &[ROLE],
                "SCHEDULE_GROUP is not set: expected the name of a schedule group, because SCHEDULE_ROLE_ARN is set",
            ),
            (
                &[("SCHEDULE_GROUP", "a/b"), ROLE],
                "SCHEDULE_GROUP is \"a/b\": expected at most 64 letters",
            ),
            (
                &[("SCHEDULE_GROUP", &long), ROLE],
                "expected at most 64 letters",
            ),
            (
                &[group, ("SCHEDULE_ROLE_ARN", "role")],
                "SCHEDULE_ROLE_ARN is \"role\": expected the ARN of a role",
            ),
            (
                &[group, ("SCHEDULE_ROLE_ARN", "arn:aws:iam::1234:role/a")],
                "expected the ARN of a role",
            ),
            (
                &[
                    group,
                    ("SCHEDULE_ROLE_ARN", "arn:aws:iam::123456789012:user/a"),
                ],
                "expected the ARN of a role",
            ),
            (
                &[group, ROLE, ("SCHEDULE_FAILURE_QUEUE_ARN", "https://sqs")],
                "SCHEDULE_FAILURE_QUEUE_ARN is \"https://sqs\": expected the ARN of a queue",
            ),
        ] {
            let message = schedules_of(entries).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn trusts_amazon_where_amazon_is_asked_and_nobody_said_otherwise() {
        let endpoint = Some("https://s3.example.com");
        for (region, endpoint, has_own_roots, expected) in [
            ("eu-west-3", None, false, TrustRoots::Amazon),
            ("us-gov-west-1", None, false, TrustRoots::Amazon),
            ("eu-west-3", None, true, TrustRoots::System),
            ("eu-west-3", endpoint, false, TrustRoots::System),
            ("cn-north-1", None, false, TrustRoots::System),
            ("us-isob-east-1", None, false, TrustRoots::System),
            ("eusc-de-east-1", None, false, TrustRoots::System),
        ] {
            assert_eq!(
                TrustRoots::choose(region, endpoint, has_own_roots),
                expected,
                "{region}"
            );
        }
    }
}
