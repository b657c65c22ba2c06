//! The function's role grants exactly the calls that the function makes.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::cloud::Cloud;
use crate::recorder::Call;

/// An action and a resource, both with their IAM names.
type Grant = (String, String);

/// Grants that the function itself never uses, with the reason for each.
const EXCEPTIONS: [(&str, &str); 10] = [
    ("logs:CreateLogStream", "Lambda calls it for the function"),
    ("logs:PutLogEvents", "Lambda calls it for the function"),
    ("xray:PutTraceSegments", "Lambda calls it for the function"),
    (
        "xray:PutTelemetryRecords",
        "Lambda calls it for the function",
    ),
    ("events:PutEvents", "Lambda reports results with it"),
    ("sqs:SendMessage", "Lambda keeps what failed with it"),
    ("sqs:ReceiveMessage", "Lambda takes from the queue with it"),
    ("sqs:DeleteMessage", "Lambda takes from the queue with it"),
    (
        "sqs:GetQueueAttributes",
        "Lambda takes from the queue with it",
    ),
    // These grants exist only if KmsKeyArn is set, and no deployment here sets it.
    ("kms:", "S3 uses the key for the function"),
];
/// A bucket that does not exist, which a test configures by a deliberate mistake. Calls on it always fail.
const NO_SUCH_BUCKET: &str = "no-such-bucket-anywhere";

/// The grants and the recorded calls of all deployments in a test.
#[derive(Default)]
pub(crate) struct Permissions {
    granted: BTreeSet<Grant>,
    called: BTreeSet<Grant>,
}

impl Permissions {
    /// Checks that the deployed role grants every recorded call. Must run before each change of the role.
    pub(crate) fn cover(&mut self, cloud: &Cloud) {
        let granted = granted(cloud);
        let schedules = Schedules::of(cloud);
        let calls = cloud.recorder.take();
        let called = calls.iter().flat_map(|call| match call.bucket.as_str() {
            // The first segment of the path in a call to EventBridge Scheduler.
            "schedules" => schedules.needed(call),
            _ => needed(call),
        });
        let called: BTreeSet<Grant> = called.collect();
        assert!(!called.is_empty(), "nothing was recorded");
        for (action, resource) in &called {
            assert!(
                granted.iter().any(|grant| covers(grant, action, resource)),
                "{action} on {resource} was called and is not granted"
            );
        }
        self.granted.extend(granted);
        self.called.extend(called);
    }

    /// Checks that every grant was used by at least one call, except those in [`EXCEPTIONS`].
    pub(crate) fn are_all_needed(&self) {
        let is_exception = |action: &str| {
            EXCEPTIONS
                .iter()
                .any(|(exception, _)| action.starts_with(exception))
        };
        for grant in &self.granted {
            let is_called = self
                .called
                .iter()
                .any(|(action, resource)| covers(grant, action, resource));
            assert!(
                is_called || is_exception(&grant.0),
                "{} on {} is granted and no step called it",
                grant.0,
                grant.1
            );
        }
        for (action, resource) in &self.granted {
            let is_xray = action.starts_with("xray:");
            assert!(
                resource != "*" || is_xray,
                "{action} is granted on everything"
            );
            assert!(!action.contains('*'), "{action} is more than one action");
        }
        println!(
            "{} permissions granted, {} kinds of calls seen: neither more nor less",
            self.granted.len(),
            self.called.len()
        );
    }
}

/// The resources of a call to EventBridge Scheduler.
struct Schedules {
    group: String,
    role: String,
}

impl Schedules {
    fn of(cloud: &Cloud) -> Self {
        let about = ["--function-name", cloud.output("FunctionName")];
        let ask = ["lambda", "get-function-configuration", "--query"];
        let variables = ["Environment.Variables"];
        let variables = cloud.json(&[&ask[..], &variables[..], &about[..]].concat());
        let role = variables["SCHEDULE_ROLE_ARN"].as_str().unwrap().to_owned();
        let group = cloud.output("ScheduleGroup").to_owned();
        Self { group, role }
    }

    /// Returns the permissions that EventBridge Scheduler checks before it creates a schedule:
    /// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridgescheduler.html>.
    fn needed(&self, call: &Call) -> Vec<Grant> {
        assert_eq!(call.method, "POST", "{call:?}");
        // A test uses a group that does not exist, by a deliberate mistake.
        if call.status == 404 {
            return Vec::new();
        }
        let Self { group, role } = self;
        let schedules = format!("arn:aws:scheduler:us-east-1:000000000000:schedule/{group}/*");
        vec![
            ("scheduler:CreateSchedule".to_owned(), schedules),
            ("iam:PassRole".to_owned(), role.clone()),
        ]
    }
}

/// Checks that the state machine's role grants what its definition uses. The local cloud does not
/// record its calls.
pub(crate) fn of_the_state_machine(cloud: &Cloud) {
    let arn = cloud.output("StateMachine");
    let ask = [
        "stepfunctions",
        "describe-state-machine",
        "--state-machine-arn",
    ];
    let machine = cloud.json(&[&ask[..], &[arn]].concat());
    let definition = machine["definition"].as_str().unwrap();
    let resources: BTreeSet<&str> = definition
        .split("arn:aws:states:::")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert!(
        resources
            .iter()
            .eq(["lambda:invoke", "s3:listObjectsV2"].iter())
    );
    let role = machine["roleArn"].as_str().unwrap().rsplit('/').next();
    let bucket = |name: &str| format!("arn:aws:s3:::{}", cloud.output(name));
    let own = |action: &str, resource: String| (action.to_owned(), resource);
    let executions = format!("{}/*", arn.replace(":stateMachine:", ":execution:"));
    let mut expected: BTreeSet<Grant> = [
        own("s3:ListBucket", bucket("UploadBucket")),
        own("s3:ListBucket", bucket("SiteBucket")),
        own(
            "lambda:InvokeFunction",
            cloud.output("FunctionArn").to_owned(),
        ),
        own("states:StartExecution", arn.to_owned()),
        own("states:DescribeExecution", executions.clone()),
        own("states:StopExecution", executions),
    ]
    .into();
    // The log and the traces of the state machine. These actions do not support resource-level permissions.
    for action in [
        "logs:CreateLogDelivery",
        "logs:GetLogDelivery",
        "logs:UpdateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:DescribeResourcePolicies",
        "logs:DescribeLogGroups",
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
    ] {
        expected.insert(own(action, "*".to_owned()));
    }
    assert_eq!(grants_of(cloud, role.unwrap(), "reconcile"), expected);
    of_the_rules_that_start_it(cloud, arn);
}

/// The schedule and the rule for published lists start the state machine with the same role, which
/// allows nothing else.
fn of_the_rules_that_start_it(cloud: &Cloud, arn: &str) {
    let ask = ["events", "list-rule-names-by-target", "--target-arn", arn];
    let rules = cloud.json(&ask);
    let rules = rules["RuleNames"].as_array().unwrap();
    assert_eq!(rules.len(), 2, "{rules:?}");
    let role_of = |rule: &Value| {
        let ask = ["events", "list-targets-by-rule", "--rule"];
        let targets = cloud.json(&[&ask[..], &[rule.as_str().unwrap()]].concat());
        let targets = targets["Targets"].as_array().unwrap().clone();
        assert_eq!(targets.len(), 1, "{targets:?}");
        targets[0]["RoleArn"].as_str().unwrap().to_owned()
    };
    let used: BTreeSet<String> = rules.iter().map(role_of).collect();
    assert_eq!(used.len(), 1, "{used:?}");
    let role = used.first().unwrap().rsplit('/').next().unwrap();
    let expected = ("states:StartExecution".to_owned(), arn.to_owned());
    assert_eq!(grants_of(cloud, role, "start"), [expected].into());
}

fn granted(cloud: &Cloud) -> BTreeSet<Grant> {
    let about = ["--function-name", cloud.output("FunctionName")];
    let ask = ["lambda", "get-function-configuration", "--query", "Role"];
    let role = cloud.json(&[&ask[..], &about[..]].concat());
    let role = role.as_str().unwrap().rsplit('/').next().unwrap();
    grants_of(cloud, role, "generate")
}

fn grants_of(cloud: &Cloud, role: &str, policy: &str) -> BTreeSet<Grant> {
    let ask = ["iam", "get-role-policy", "--policy-name", policy];
    let policy = cloud.json(&[&ask[..], &["--role-name", role]].concat());
    let statements = policy["PolicyDocument"]["Statement"].as_array().unwrap();
    let mut granted = BTreeSet::new();
    for statement in statements {
        assert_eq!(statement["Effect"], "Allow");
        for action in texts(&statement["Action"]) {
            let account = &statement["Condition"]["StringEquals"]["aws:ResourceAccount"];
            assert!(
                !action.starts_with("s3:") || account == "000000000000",
                "{action} is granted on buckets of other accounts: {statement}"
            );
            for resource in texts(&statement["Resource"]) {
                granted.insert((action.clone(), resource));
            }
        }
    }
    granted
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        value => vec![value.as_str().unwrap().to_owned()],
    }
}

/// Returns the permissions that S3 checks before it answers a call:
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>. Except
/// for templates and compiled lists, the key is replaced by `*`.
fn needed(call: &Call) -> Vec<Grant> {
    if call.bucket == NO_SUCH_BUCKET {
        return Vec::new();
    }
    let bucket = format!("arn:aws:s3:::{}", call.bucket);
    let is_template = call.key.starts_with("templates/");
    let template = is_template.then_some(call.key.as_str());
    let has_version = call.query.contains("versionId=");
    // In the report bucket, only the compiled lists are read by version.
    let is_list = has_version && call.key.starts_with("compiled/");
    let keys = if is_list { "compiled/*" } else { "*" };
    let object = format!("{bucket}/{}", template.unwrap_or(keys));
    if call.method == "GET" && call.key.is_empty() && call.query.contains("list-type=2") {
        return vec![("s3:ListBucket".to_owned(), bucket)];
    }
    assert!(!call.key.is_empty(), "{call:?} is about a bucket");
    let action = match call.method.as_str() {
        "GET" | "HEAD" if has_version => "s3:GetObjectVersion",
        "GET" | "HEAD" => "s3:GetObject",
        // This includes the parts and the completion of a multipart upload.
        "PUT" | "POST" => "s3:PutObject",
        "DELETE" if has_version => "s3:DeleteObjectVersion",
        "DELETE" => "s3:DeleteObject",
        _ => panic!("{call:?}"),
    };
    let mut needed = vec![(action.to_owned(), object)];
    if call.status == 404 {
        needed.push(("s3:ListBucket".to_owned(), bucket));
    }
    needed
}

fn covers(grant: &Grant, action: &str, resource: &str) -> bool {
    grant.0 == action && grant.1 == resource
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    fn grants(grants: &[(&str, &str)]) -> BTreeSet<Grant> {
        let own =
            |(action, resource): &(&str, &str)| ((*action).to_owned(), (*resource).to_owned());
        grants.iter().map(own).collect()
    }

    #[track_caller]
    fn check(granted: &[(&str, &str)], are_needed: bool) {
        let permissions = Permissions {
            granted: grants(granted),
            called: grants(&[("s3:GetObject", "arn:aws:s3:::a/*")]),
        };
        let outcome = catch_unwind(|| permissions.are_all_needed());
        assert_eq!(outcome.is_ok(), are_needed, "{granted:?}");
    }

    #[test]
    fn an_unused_grant_is_found() {
        check(&[("s3:GetObject", "arn:aws:s3:::a/*")], true);
        check(&[("xray:PutTraceSegments", "*")], true);
        check(&[("s3:GetObject", "arn:aws:s3:::b/*")], false);
        check(&[("s3:GetObjectVersion", "arn:aws:s3:::a/*")], false);
        check(&[("s3:GetObject", "*")], false);
        check(&[("sqs:SendMessage", "*")], false);
    }
}
