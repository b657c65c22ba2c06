//! Writes report pages of the function into the folder given as the argument, for the browser
//! tests. These pages show what changed, who changed it, and how to approve or undo the change. The
//! command line has no such pages.

use std::path::Path;
use std::{env, fs};

use htaccess_generator::function::{FunctionSettings, Handler};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};

#[expect(
    dead_code,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the tests of the function use all of it, and tests may panic"
)]
#[path = "../../it/function/memory_store.rs"]
mod memory_store;

use memory_store::MemoryStore;

const SITE: &str = "clients/acme.csv";
const PREVIEW: &str = "preview/clients/acme.csv";
const APPROVAL: &str = "approvals/clients/acme.csv";
/// An uploader's name that would run a script on a page that does not escape it.
const UPLOADER: &str = "AWS:AIDAEXAMPLE:<script>window.ran=1</script>ada@example.com";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = env::args_os()
        .nth(1)
        .ok_or("the folder for the pages is missing")?;
    let folder = Path::new(&folder);
    let store = MemoryStore::default();
    let steps = [
        ("first", SITE, networks(0, 20)),
        ("changed", SITE, networks(2, 23)),
        ("preview", PREVIEW, networks(2, 24)),
        ("preview-held", PREVIEW, networks(2, 4)),
        ("preview-refused", PREVIEW, "Site,Owner\n".to_owned()),
        ("held", SITE, networks(20, 120)),
        ("held-other-code", APPROVAL, "00000000".to_owned()),
    ];
    for (name, key, csv) in steps {
        store.tick();
        store.upload("uploads", key, csv.as_bytes());
        let answer = answer(&store, key)?;
        let report = if key == APPROVAL { SITE } else { key };
        let page = store
            .text("reports", &format!("{report}.html"))
            .ok_or("there is no report")?;
        fs::write(folder.join(format!("{name}.html")), page)?;
        fs::write(folder.join(format!("{name}.json")), answer.to_string())?;
    }
    Ok(())
}

/// Returns a CSV with networks that are not adjacent, so that they cannot be merged.
fn networks(start: u32, end: u32) -> String {
    let rows = (start..end).map(|number| format!("10.0.{number}.0/25,Allow,Office {number}\n"));
    format!("IP Address,Rule,Comment\n{}", rows.collect::<String>())
}

fn answer(store: &MemoryStore, key: &str) -> Result<Value, Box<dyn std::error::Error>> {
    let settings = FunctionSettings::read(|name| {
        let value = match name {
            "OUTPUT_BUCKET" => "sites",
            "REPORT_BUCKET" => "reports",
            "HOLD_ABOVE" => "30",
            _ => return None,
        };
        Some(value.to_owned())
    })?;
    let version = store
        .object("uploads", key)
        .map(|object| object.head.version_id);
    let event = json!({"Records": [{
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": UPLOADER},
        "requestParameters": {"sourceIPAddress": "203.0.113.7"},
        "s3": {"bucket": {"name": "uploads"}, "object": {"key": key, "versionId": version}},
    }]});
    let handler = Handler::new(store, settings)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let event = LambdaEvent::new(event, Context::default());
    let response = runtime.block_on(handler.handle(event));
    let mut response = serde_json::to_value(response.map_err(|err| err.to_string())?)?;
    let answer = response.pointer_mut("/results/0").map(Value::take);
    Ok(answer.ok_or("the response has no answer")?)
}
