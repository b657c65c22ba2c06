//! In the deployed stack, a big change waits until somebody approves exactly this change. A preview
//! publishes nothing.

use crate::cloud::Cloud;
use crate::reconcile;

const SITE: &str = "held/site.csv";
const OUTPUT: &str = "held/site/.htaccess";
const APPROVAL: &str = "approvals/held/site.csv";
const PREVIEW: &str = "preview/held/site.csv";

/// Returns a CSV with networks that are not adjacent, so that they cannot be merged.
fn networks(count: u32) -> String {
    let rows = (0..count).map(|number| format!("10.9.{number}.0/25,Allow\n"));
    format!("IP,Rule\n@held-office,Allow\n{}", rows.collect::<String>())
}

pub(crate) fn waits_for_its_approval(cloud: &Cloud) {
    cloud.upload("lists/held-office.csv", "IP\n192.0.2.1\n");
    cloud.answer("lists/held-office.csv", |answer| {
        answer["status"] == "written"
    });
    cloud.upload(SITE, &networks(20));
    cloud.site(OUTPUT, |site| site.contains("10.9.19.0/25"));
    // The run that publishes the new list in the site reports a change relative to the previous
    // version of the list.
    cloud.upload("lists/held-office.csv", "IP\n192.0.2.2\n192.0.2.4\n");
    cloud.answer("lists/held-office.csv", |answer| answer["accepted"] == 2);
    let before = cloud.site(OUTPUT, |site| site.contains("192.0.2.2 "));
    let changed = cloud.answer(SITE, |answer| answer["change"].is_object());
    assert_eq!(changed["change"]["gained"]["networks"], 2, "{changed}");
    cloud.upload(PREVIEW, &networks(2));
    let preview = cloud.answer(PREVIEW, |answer| answer["status"] == "previewed");
    assert_eq!(preview["code"], "change-held", "{preview}");
    assert!(preview.get("approval").is_none(), "{preview}");
    cloud.upload(SITE, &networks(2));
    let held = cloud.answer(SITE, |answer| answer["status"] == "held");
    assert!(
        held["change"]["lost"]["networks"].as_u64() >= Some(18),
        "{held}"
    );
    let code = held["approval"].as_str().unwrap();
    cloud.upload(APPROVAL, "00000000\n");
    let still = cloud.answer(SITE, |answer| {
        let message = answer["message"].as_str().unwrap_or_default();
        message.contains("different code")
    });
    assert_eq!(
        (&still["status"], &still["approval"]),
        (&held["status"], &held["approval"])
    );
    assert_eq!(cloud.site(OUTPUT, |_| true), before);
    cloud.upload(APPROVAL, &format!("{code}\r\n"));
    let released = cloud.answer(SITE, |answer| answer["status"] == "written");
    assert_eq!(released["change"], held["change"], "{released}");
    cloud.site(OUTPUT, |site| {
        site.contains("192.0.2.2") && !site.contains("10.9.2.0/25")
    });
    // The runs that the list started must not process the sites of other tests.
    reconcile::waits_for_all_runs(cloud);
    println!("{SITE}: held, and released by {APPROVAL}");
}
