//! Tests the deployed stack: `template.yaml` in a separate local cloud, used with the plain aws client.
//!
//! `cargo test --test stack` needs the tools that `make install` installs. The test starts the
//! cloud on a free port, and stops it at the end.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says where it is"
)]

use serde_json::{Value, json};

use crate::cloud::{Cloud, wait_until};
use crate::many::Many;
use crate::permissions::Permissions;

#[path = "../servers/apache.rs"]
#[expect(dead_code, reason = "the tests of servers use more of it")]
mod apache;
mod cloud;
#[path = "../servers/documented.rs"]
#[expect(dead_code, reason = "the tests of servers use more of it")]
mod documented;
mod failures;
mod hold;
#[path = "../servers/http.rs"]
mod http;
mod last_mile;
mod many;
mod notifications;
mod observability;
mod permissions;
#[path = "../servers/process.rs"]
mod process;
mod reconcile;
mod recorder;
mod schedules;
mod sync;
mod templates;

/// Tests one deployment, three updates of it, and its deletion in a single test, because
/// deployments take most of the time.
#[test]
fn the_deployed_stack_answers_uploads_and_events() {
    let mut cloud = Cloud::up();
    let mut permissions = Permissions::default();
    samples_are_answered(&cloud);
    observability::samples_are_counted(&cloud);
    let change = schedules::publish(&cloud);
    upper_case_is_no_other_ending(&cloud);
    any_name_gets_an_answer(&cloud);
    a_refused_csv_leaves_the_previous_output(&cloud);
    an_older_version_can_be_brought_back(&cloud);
    sync::lays_outputs_in_the_web_root(&cloud);
    events_can_be_invoked(&cloud);
    buckets_are_private_versioned_and_encrypted(&cloud);
    reconcile::publishes_a_fleet(&cloud);
    schedules::comes_by_itself(&cloud, &change);
    reconcile::brings_a_list_to_its_sites(&cloud);
    reconcile::repairs_everything_once(&cloud);
    reconcile::refuses_a_wrong_prefix(&cloud);
    reconcile::fails_if_a_batch_was_not_handled(&cloud);
    permissions::of_the_state_machine(&cloud);
    failures::of_the_deployment(&cloud);
    failures::of_the_scheduler(&cloud);
    failures::of_a_stopped_function(&cloud);
    failures::of_a_schedule(&cloud);
    assert_notified(&cloud, "LambdaFunction", CREATED);
    last_mile::is_not_there_by_default(&cloud);
    notifications::are_off_by_default(&cloud);

    permissions.cover(&cloud);
    cloud.deploy(&[
        "Delivery=queue",
        "OnDelete=remove",
        "MaximumConcurrency=4",
        "SiteTopic=enabled",
    ]);
    assert_notified(&cloud, "LambdaFunction", &[]);
    assert_notified(&cloud, "Queue", BOTH);
    QUEUED.are_published(&cloud);
    failures::of_a_message(&cloud);
    reconcile::removes_orphans(&cloud);
    an_output_is_removed_with_its_csv(&cloud);
    sync::removes_only_what_it_is_told_to(&cloud);
    last_mile::of_an_upload_ends_at_a_real_apache(&cloud);

    permissions.cover(&cloud);
    cloud.deploy(&[
        "Delivery=direct",
        "OnDelete=deny",
        "HoldAbove=30",
        "NotifyEmail=team@example.org",
    ]);
    assert_notified(&cloud, "LambdaFunction", BOTH);
    assert_notified(&cloud, "Queue", &[]);
    a_deleted_csv_lets_nobody_in(&cloud);
    notifications::name_what_needs_attention(&cloud);
    hold::waits_for_its_approval(&cloud);
    reconcile::shuts_orphans(&cloud);

    permissions.cover(&cloud);
    a_bucket_of_a_team_can_be_attached(&mut cloud);
    permissions.cover(&cloud);
    permissions.are_all_needed();
    the_stack_goes_and_what_it_wrote_stays(&cloud);
}

const QUEUED: Many = Many {
    prefix: "queued",
    count: 100,
    list_every: None,
};
const BUCKETS: [&str; 4] = [
    "UploadBucket",
    "SiteBucket",
    "ReportBucket",
    "AccessLogBucket",
];
const CREATED: &[&str] = &["ObjectCreated"];
const BOTH: &[&str] = &["ObjectCreated", "ObjectRemoved"];

fn samples_are_answered(cloud: &Cloud) {
    let uploads = format!("s3://{}/", cloud.output("UploadBucket"));
    cloud.aws(&["s3", "cp", "--recursive", "events/samples", &uploads]);
    for (key, status, accepted, rejected) in [
        ("clients/acme.csv", "written", 3, 1),
        ("clients/archive.csv.gz", "written", 256, 0),
        ("clients/contractor.csv", "written", 4, 0),
        ("clients/LEGACY.CSV", "written", 2, 0),
        ("clients/Café Noël + Söhne.csv", "written", 3, 0),
        ("clients/no-rule-column.csv", "refused", 0, 0),
        ("clients/workbook.xlsx", "refused", 0, 0),
    ] {
        let answer = cloud.answer(key, |answer| answer["status"] == status);
        println!("{key}: {status}");
        assert_eq!(
            (&answer["accepted"], &answer["rejected"]),
            (&accepted.into(), &rejected.into()),
            "{key}"
        );
    }
    cloud.site("clients/acme/.htaccess", |site| {
        site.contains("Require ip 172.100.2.11 192.168.1.10")
    });
    let answer = cloud.answer("clients/contractor.csv", |answer| answer["expired"] == 1);
    assert_eq!(answer["next_change"], "2099-12-31T18:00:00Z");
}

fn upper_case_is_no_other_ending(cloud: &Cloud) {
    let key = "upper/ARCHIVE.CSV.GZ";
    let upload = format!("s3://{}/{key}", cloud.output("UploadBucket"));
    cloud.aws(&["s3", "cp", "events/samples/clients/archive.csv.gz", &upload]);
    let answer = cloud.answer(key, |answer| answer["status"] == "written");
    assert_eq!(answer["accepted"], 256);
}

fn any_name_gets_an_answer(cloud: &Cloud) {
    for key in ["other/notes.txt", "other/no-extension"] {
        cloud.upload(key, "call the hosting provider");
        cloud.answer(key, |answer| answer["status"] == "refused");
    }
}

fn a_refused_csv_leaves_the_previous_output(cloud: &Cloud) {
    let (key, output) = ("again/site.csv", "again/site/.htaccess");
    cloud.upload(key, "IP Address,Rule\n192.0.2.1,Allow\n");
    let before = cloud.site(output, |_| true);
    cloud.upload(key, "IP Address,Colour\n192.0.2.2,green\n");
    let answer = cloud.answer(key, |answer| answer["status"] == "refused");
    assert_eq!(answer["code"], "missing-column");
    assert_eq!(cloud.read("SiteBucket", output), Some(before));
}

/// The recovery that docs/operations.md describes: a copy of an older version becomes the newest
/// version.
fn an_older_version_can_be_brought_back(cloud: &Cloud) {
    let (key, output) = ("back/site.csv", "back/site/.htaccess");
    cloud.upload(key, "IP,Rule\n192.0.2.1,Allow\n");
    let good = cloud.site(output, |_| true);
    cloud.upload(key, "IP,Rule\n192.0.2.2,Allow\n");
    cloud.site(output, |site| *site != good);
    let bucket = cloud.output("UploadBucket");
    let list = ["s3api", "list-object-versions", "--bucket", bucket];
    let oldest = ["--prefix", key, "--query", "Versions[-1].VersionId"];
    let version = cloud.json(&[&list[..], &oldest[..]].concat());
    let source = format!("{bucket}/{key}?versionId={}", version.as_str().unwrap());
    let copy = ["s3api", "copy-object", "--bucket", bucket, "--key", key];
    cloud.aws(&[&copy[..], &["--copy-source", &source]].concat());
    cloud.site(output, |site| site.trim_end() == good.trim_end());
}

/// The samples have already been uploaded, so their events change nothing. The CSV of the delete
/// events never existed.
fn events_can_be_invoked(cloud: &Cloud) {
    let all_well = json!({"batchItemFailures": []});
    for (event, statuses) in [
        ("s3-put.json", &["unchanged"][..]),
        ("s3-put-multiple.json", &["unchanged"; 3]),
        ("s3-delete.json", &["kept"]),
        ("s3-test-event.json", &["ignored"]),
        ("eventbridge-created.json", &["unchanged"]),
        ("eventbridge-deleted.json", &["kept"]),
        ("sns.json", &["unchanged"]),
        ("schedule.json", &["unchanged"]),
    ] {
        let answer = cloud.invoke(event);
        let results = answer["results"].as_array().map(Vec::as_slice);
        let results = results.unwrap_or_default().iter();
        let got: Vec<&Value> = results.map(|result| &result["status"]).collect();
        assert_eq!(got, statuses, "{event}: {answer}");
    }
    for event in ["sqs-s3.json", "sqs-sns.json", "sqs-eventbridge.json"] {
        assert_eq!(cloud.invoke(event), all_well, "{event}");
    }
    let answer =
        |counts, states| json!({"run": "sample", "counts": counts, "states": states, "failed": 0});
    for (event, expected) in [
        (
            "reconcile-uploads.json",
            answer(json!({"unchanged": 2}), json!({})),
        ),
        (
            "reconcile-item.json",
            answer(json!({"unchanged": 1}), json!({})),
        ),
        ("reconcile-outputs.json", answer(json!({}), json!({}))),
        (
            "reconcile-overview.json",
            answer(json!({"unchanged": 3}), json!({"in-force": 3})),
        ),
    ] {
        assert_eq!(cloud.invoke(event), expected, "{event}");
    }
    for (event, tasks) in [
        ("batch-operations-1.0.json", 2),
        ("batch-operations-2.0.json", 1),
    ] {
        let answer = cloud.invoke(event);
        let results = answer["results"].as_array().unwrap();
        assert_eq!(results.len(), tasks, "{event}: {answer}");
        for result in results {
            assert_eq!(result["resultCode"], "Succeeded", "{event}: {answer}");
        }
    }
}

fn buckets_are_private_versioned_and_encrypted(cloud: &Cloud) {
    for bucket in BUCKETS {
        let ask =
            |question: &str| cloud.json(&["s3api", question, "--bucket", cloud.output(bucket)]);
        assert_eq!(
            ask("get-bucket-versioning")["Status"],
            "Enabled",
            "{bucket}"
        );
        let access = ask("get-public-access-block");
        let settings = access["PublicAccessBlockConfiguration"]
            .as_object()
            .unwrap();
        assert_eq!(
            settings.values().filter(|&on| on == true).count(),
            4,
            "{bucket}: {access}"
        );
        let encryption = ask("get-bucket-encryption").to_string();
        assert!(encryption.contains("AES256"), "{bucket}: {encryption}");
        let policy = ask("get-bucket-policy").to_string();
        assert!(policy.contains("aws:SecureTransport"), "{bucket}: {policy}");
        let writers = match bucket {
            "SiteBucket" => "aws:PrincipalArn",
            "AccessLogBucket" => "aws:SourceArn",
            _ => "",
        };
        assert!(policy.contains(writers), "{bucket}: {policy}");
    }
}

/// Checks that the upload bucket sends these kinds of events, and no others, for every object to
/// the function or to the queue.
#[track_caller]
fn assert_notified(cloud: &Cloud, whom: &str, kinds: &[&str]) {
    let ask = ["s3api", "get-bucket-notification-configuration", "--bucket"];
    let answer = cloud.json(&[&ask[..], &[cloud.output("UploadBucket")]].concat());
    let configurations = answer[format!("{whom}Configurations")].as_array();
    let mut notified: Vec<&str> = configurations
        .into_iter()
        .flatten()
        .map(|configuration| {
            let rules = &configuration["Filter"]["Key"]["FilterRules"];
            assert!(rules.is_null() || *rules == json!([]), "{answer}");
            let event = configuration["Events"][0].as_str().unwrap();
            event.split(':').nth(1).unwrap()
        })
        .collect();
    notified.sort_unstable();
    assert_eq!(notified, kinds, "{whom}");
}

fn an_output_is_removed_with_its_csv(cloud: &Cloud) {
    cloud.wait_for_objects("SiteBucket", "again/", 1);
    cloud.delete_upload("again/site.csv");
    cloud.wait_for_objects("SiteBucket", "again/", 0);
}

fn a_deleted_csv_lets_nobody_in(cloud: &Cloud) {
    cloud.delete_upload("clients/acme.csv");
    let site = cloud.site("clients/acme/.htaccess", |site| site.contains("denied"));
    assert!(site.ends_with("\nRequire all denied\n"), "{site}");
}

/// The team's bucket sends its events through EventBridge, and it contains a custom template.
fn a_bucket_of_a_team_can_be_attached(cloud: &mut Cloud) {
    let bucket = ["--bucket", "team-uploads"];
    let run = |command: &[&str]| cloud.aws(&[&["s3api"], command, &bucket[..]].concat());
    run(&["create-bucket"]);
    let enabled = ["--versioning-configuration", "Status=Enabled"];
    run(&[&["put-bucket-versioning"][..], &enabled[..]].concat());
    let events = r#"{"EventBridgeConfiguration": {}}"#;
    let switched_on = ["--notification-configuration", events];
    run(&[
        &["put-bucket-notification-configuration"][..],
        &switched_on[..],
    ]
    .concat());
    let template = "s3://team-uploads/templates/site.tera";
    cloud.aws(&["s3", "cp", "src/render/templates/apache24.tera", template]);
    cloud.deploy(&[
        "ExistingUploadBucket=team-uploads",
        &format!("Template={template}"),
    ]);
    cloud.upload("team/a b+c.csv", "IP,Rule\n192.0.2.9,Allow\n");
    let output = "team/a b+c/.htaccess";
    cloud.site(output, |site| site.ends_with("\nRequire ip 192.0.2.9\n"));
    // The function also reads the published version from this bucket, to report the change.
    cloud.upload(
        "team/a b+c.csv",
        "IP,Rule\n192.0.2.9,Allow\n192.0.2.33,Allow\n",
    );
    let changed = cloud.answer("team/a b+c.csv", |answer| answer["change"].is_object());
    assert_eq!(changed["change"]["gained"]["networks"], 1, "{changed}");
    cloud.delete_upload("team/a b+c.csv");
    cloud.site(output, |site| site.contains("denied"));
    // The rule ignores the case of names, and matches only CSV files.
    let allow = "IP,Rule\n192.0.2.9,Allow\n";
    cloud.upload("team/notes.txt", allow);
    cloud.upload("team/Mixed.Csv", allow);
    cloud.site("team/Mixed/.htaccess", |site| site.contains("192.0.2.9"));
    assert_eq!(cloud.read("SiteBucket", "team/notes/.htaccess"), None);
}

fn the_stack_goes_and_what_it_wrote_stays(cloud: &Cloud) {
    let stack = ["--stack-name", "htaccess-generator"];
    cloud.aws(&[&["cloudformation", "delete-stack"][..], &stack[..]].concat());
    let list = ["cloudformation", "list-stacks", "--query"];
    let query = "StackSummaries[?contains(StackName, `htaccess`)].StackStatus";
    wait_until("the end of the stacks", || {
        let states = cloud.json(&[&list[..], &[query]].concat());
        let is_gone = |state: &Value| state == "DELETE_COMPLETE";
        let gone = states.as_array().unwrap().iter().all(is_gone);
        gone.then_some(()).ok_or(states)
    });
    for (what, query) in [
        (["lambda", "list-functions"], "Functions[].FunctionName"),
        (["iam", "list-roles"], "Roles[].RoleName"),
        (
            ["cloudwatch", "describe-alarms"],
            "MetricAlarms[].AlarmName",
        ),
        (["cloudwatch", "list-dashboards"], "DashboardEntries[]"),
        (["sns", "list-topics"], "Topics[]"),
        (["events", "list-rules"], "Rules[]"),
        (
            ["scheduler", "list-schedule-groups"],
            "ScheduleGroups[?Name!=`default`]",
        ),
        (["stepfunctions", "list-state-machines"], "stateMachines[]"),
        (["logs", "describe-log-groups"], "logGroups[]"),
    ] {
        let left = cloud.json(&[&what[..], &["--query", query]].concat());
        assert_eq!(left, json!([]), "{what:?}");
    }
    let buckets = cloud.json(&["s3api", "list-buckets", "--query", "Buckets[].Name"]);
    let buckets = buckets.to_string();
    for kept in ["-uploads-", "-site-", "-reports-", "-logs-"] {
        assert!(buckets.contains(kept), "{kept} is gone: {buckets}");
    }
    assert_eq!(cloud.messages("FailureQueue"), 1, "what failed is gone");
}
