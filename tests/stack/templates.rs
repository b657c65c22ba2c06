//! Checks in the text of the templates that no other account can take over a bucket name or use a grant.
//!
//! The local cloud does not evaluate the conditions of policies, so these tests read them.
//! `infra/local/conditions.py` resolves the conditions of each template, once all as true and once
//! all as false.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::cloud::root;

/// The actions that can change what a web server reads from the `SiteBucket`.
const WRITING: [&str; 9] = [
    "s3:PutObject",
    "s3:PutObjectAcl",
    "s3:PutObjectVersionAcl",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:ReplicateObject",
    "s3:ReplicateDelete",
    "s3:ObjectOwnerOverrideToBucketOwner",
    "s3:UpdateObjectEncryption",
];
/// The actions that write to the bucket for access logs.
const LOGGING: [&str; 2] = ["s3:PutObject", "s3:ReplicateObject"];
/// The policies that deny actions to all principals except one writer, with the condition key that
/// identifies the writer.
const ONE_WRITER: [(&str, &str, &[&str]); 3] = [
    ("SiteBucketPolicy", "aws:PrincipalArn", &WRITING),
    ("ReportBucketPolicy", "aws:PrincipalArn", &WRITING),
    ("AccessLogBucketPolicy", "aws:SourceArn", &LOGGING),
];
/// The services that a policy may allow, each with the condition keys that limit it to this account.
const SERVICES: [(&str, &[&str]); 8] = [
    // The ARN of a bucket does not contain an account.
    ("s3.amazonaws.com", &["aws:SourceArn", "aws:SourceAccount"]),
    (
        "logging.s3.amazonaws.com",
        &["aws:SourceArn", "aws:SourceAccount"],
    ),
    // EventBridge does not pass an account, but the ARN of a rule contains it.
    ("events.amazonaws.com", &["aws:SourceArn"]),
    // The ARN of a topic contains its account.
    ("sns.amazonaws.com", &["aws:SourceArn"]),
    ("cloudwatch.amazonaws.com", &["aws:SourceAccount"]),
    (
        "scheduler.amazonaws.com",
        &["aws:SourceArn", "aws:SourceAccount"],
    ),
    (
        "states.amazonaws.com",
        &["aws:SourceAccount", "aws:SourceArn"],
    ),
    // A role cannot be passed to a function in another account.
    ("lambda.amazonaws.com", &[]),
];
/// The longest suffix of a bucket name: an account and the longest region name.
const LONGEST_END: &str = "-123456789012-ap-southeast-1-an";
const MAX_STACK_NAME: &str = "abcdefghijklmnopqrstuvwx";

fn account() -> Value {
    json!({"Ref": "AWS::AccountId"})
}

/// Returns the resolved templates with their file names.
fn templates() -> Vec<(String, Value)> {
    let folder = std::env::temp_dir().join(format!("htaccess-templates-{}", std::process::id()));
    let infra = root().join("infra");
    let status = Command::new(root().join(".tools/sam/bin/python"))
        .arg(infra.join("local/conditions.py"))
        .arg(&folder)
        .arg(root().join("template.yaml"))
        .arg(infra.join("notifications.yaml"))
        .arg(infra.join("observability.yaml"))
        .arg(infra.join("reconcile.yaml"))
        .arg(infra.join("site-topic.yaml"))
        .arg(infra.join("web-server.yaml"))
        .status();
    assert!(status.unwrap().success());
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        found.push((name, serde_json::from_str(&text).unwrap()));
    }
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(found.len(), 12);
    found
}

/// Returns the problems of a template, each with the name of its resource.
fn problems(template: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, resource) in template["Resources"].as_object().unwrap() {
        let properties = &resource["Properties"];
        let mut found = match resource["Type"].as_str().unwrap() {
            "AWS::S3::Bucket" => bucket_problems(properties),
            "AWS::Lambda::Permission" => permission_problems(properties),
            _ => Vec::new(),
        };
        for_each_statement(properties, &mut |statement| {
            found.extend(statement_problems(statement));
        });
        for (_, key, actions) in ONE_WRITER.iter().filter(|(policy, ..)| policy == name) {
            found.extend(writer_problems(properties, key, actions));
        }
        problems.extend(found.into_iter().map(|found| format!("{name}: {found}")));
    }
    problems
}

fn bucket_problems(properties: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    if properties["BucketNamespace"] != "account-regional" {
        problems.push("the name can become somebody else's".to_owned());
    }
    let name = properties["BucketName"]["Fn::Sub"]
        .as_str()
        .unwrap_or_default();
    let end = "-${AWS::AccountId}-${AWS::Region}-an";
    let longest = name
        .replace("${AWS::StackName}", MAX_STACK_NAME)
        .replace(end, LONGEST_END);
    if !name.ends_with(end) || longest.contains('$') || longest.len() > 63 {
        problems.push(format!("the name {name} is wrong or too long"));
    }
    problems
}

fn permission_problems(properties: &Value) -> Vec<String> {
    let condition = json!({"StringEquals": {
        "aws:SourceArn": properties["SourceArn"],
        "aws:SourceAccount": properties["SourceAccount"],
    }});
    service_problems(properties["Principal"].as_str().unwrap(), &condition)
}

fn statement_problems(statement: &Value) -> Vec<String> {
    if statement["Effect"] != "Allow" {
        return Vec::new();
    }
    if let Some(service) = statement["Principal"]["Service"].as_str() {
        return service_problems(service, &statement["Condition"]);
    }
    let is_s3 = texts(&statement["Action"])
        .iter()
        .any(|action| action.starts_with("s3:"));
    if is_s3 && condition_of(&statement["Condition"], "aws:ResourceAccount") != account() {
        return vec![format!("buckets of other accounts match: {statement}")];
    }
    Vec::new()
}

fn service_problems(service: &str, condition: &Value) -> Vec<String> {
    let Some((_, keys)) = SERVICES.iter().find(|(name, _)| *name == service) else {
        return vec![format!("{service} is unknown to this test")];
    };
    let is_missing = |key: &str| match (key, condition_of(condition, key)) {
        ("aws:SourceAccount", value) => value != account(),
        (_, value) => value.is_null(),
    };
    keys.iter()
        .filter(|key| is_missing(key))
        .map(|key| format!("{service} is let in without {key}"))
        .collect()
}

fn writer_problems(properties: &Value, key: &str, actions: &[&str]) -> Vec<String> {
    let mut denied = Vec::new();
    for_each_statement(properties, &mut |statement| {
        let is_for_others = !condition_of(&statement["Condition"], key).is_null();
        if statement["Effect"] == "Deny" && statement["Principal"] == "*" && is_for_others {
            denied.extend(texts(&statement["Action"]));
        }
    });
    actions
        .iter()
        .filter(|action| denied.iter().all(|denied| denied != *action))
        .map(|action| format!("others than the writer are not denied {action}"))
        .collect()
}

fn for_each_statement(value: &Value, each: &mut impl FnMut(&Value)) {
    match value {
        Value::Object(map) => {
            if map.contains_key("Effect") {
                each(value);
            }
            map.values()
                .for_each(|value| for_each_statement(value, each));
        }
        Value::Array(values) => values
            .iter()
            .for_each(|value| for_each_statement(value, each)),
        _ => {}
    }
}

/// Returns the value of a condition key with any operator, or null.
fn condition_of(condition: &Value, key: &str) -> Value {
    let mut operators = condition.as_object().into_iter().flatten();
    operators
        .find_map(|(_, keys)| keys.get(key))
        .cloned()
        .unwrap_or_default()
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        value => value.as_str().map(str::to_owned).into_iter().collect(),
    }
}

/// Calls `each` with copies of the template. Each copy lacks one condition key, one denied action
/// or one property that protects a resource.
fn without_one(template: &Value, each: &mut impl FnMut(&str, &Value)) {
    const KEYS: [&str; 7] = [
        "aws:ResourceAccount",
        "aws:SourceArn",
        "aws:SourceAccount",
        "aws:PrincipalArn",
        "SourceAccount",
        "SourceArn",
        "BucketNamespace",
    ];
    let mut places = Vec::new();
    find_places(template, "", &mut |path, key| {
        let mut policies = ONE_WRITER.iter();
        let is_denied = policies.any(|(policy, _, actions)| {
            path.starts_with(&format!("/Resources/{policy}/")) && actions.contains(&key)
        });
        if KEYS.contains(&key) || is_denied {
            places.push(path.to_owned());
        }
    });
    for place in places {
        let (parent, key) = place.rsplit_once('/').unwrap();
        let mut copy = template.clone();
        match copy.pointer_mut(parent).unwrap() {
            Value::Object(map) => drop(map.remove(&key.replace("~1", "/"))),
            Value::Array(values) => drop(values.remove(key.parse().unwrap())),
            _ => panic!("{place}"),
        }
        each(&place, &copy);
    }
}

/// Calls `each` for every object member with its JSON pointer and name, and for every array element
/// with its JSON pointer and text.
fn find_places(value: &Value, path: &str, each: &mut impl FnMut(&str, &str)) {
    let mut visit = |key: &str, name: &str, value: &Value| {
        let path = format!("{path}/{}", key.replace('/', "~1"));
        each(&path, name);
        find_places(value, &path, each);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| visit(key, key, value)),
        Value::Array(values) => values.iter().enumerate().for_each(|(index, value)| {
            visit(
                &index.to_string(),
                value.as_str().unwrap_or_default(),
                value,
            );
        }),
        _ => {}
    }
}

#[test]
fn no_bucket_and_no_grant_can_become_somebody_elses() {
    let mut removed = BTreeSet::new();
    for (name, template) in templates() {
        assert_eq!(problems(&template), Vec::<String>::new(), "{name}");
        without_one(&template, &mut |place, without| {
            assert!(
                !problems(without).is_empty(),
                "{name} without {place} passes"
            );
            removed.insert(place.to_owned());
        });
    }
    assert!(removed.len() > 30, "{removed:?}");
}

/// docs/operations.md contains this command for operators who keep the earlier bucket names.
#[test]
fn the_documented_command_restores_the_earlier_names() {
    let guide = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let command = guide
        .split('`')
        .find(|text| text.starts_with("sed -i "))
        .unwrap();
    let folder = std::env::temp_dir().join(format!("htaccess-names-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let copy = folder.join("template.yaml");
    let template = fs::read_to_string(root().join("template.yaml")).unwrap();
    fs::write(&copy, &template).unwrap();
    let status = Command::new("sh")
        .args(["-c", command])
        .current_dir(&folder)
        .status();
    assert!(status.unwrap().success());
    let found = fs::read_to_string(&copy).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    assert!(
        !found.contains("BucketNamespace:") && !found.contains("AWS::Region}-an"),
        "{found}"
    );
    let changed: Vec<_> = found
        .lines()
        .filter(|line| !template.lines().any(|before| before == *line))
        .collect();
    let is_name = |line: &&str| {
        line.ends_with("-${AWS::AccountId}-${AWS::Region}")
            || line.ends_with("-${AWS::AccountId}-${AWS::Region}/*")
    };
    assert!(
        changed.len() > 8 && changed.iter().all(is_name),
        "{changed:?}"
    );
}
