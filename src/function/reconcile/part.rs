//! Stores the facts about the sites of each batch in an object, called a *part*. The last task of the run
//! reads all parts.
//!
//! The facts could be stored in three places:
//!
//! - The state of the state machine. Step Functions limits it to 256 KiB, so it has room only for counts.
//! - The metadata of the reports. The last task would send a HEAD request for each site, which takes too long
//!   for a million sites.
//! - A part for each batch, which takes one PUT and one GET for 100 sites. The facts are already known,
//!   because the publishing protocol fetches the head of the report, whose metadata contains them.
//!
//! The function stores parts. With a million sites, the last task reads 20,000 parts of about 20 KB, 10,000
//! for each bucket.
//!
//! The key of a part is `overview/parts/RUN/KIND-DIGEST.jsonl`, where `DIGEST` is a digest of the keys in the
//! batch. A retried batch therefore replaces its own part. A lifecycle rule of the report bucket removes
//! parts after some days.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use sha2::{Digest, Sha256};

use crate::function::error::{Error, ErrorKind};
use crate::function::run_event::{ItemKind, RunBatch};
use crate::function::settings::FunctionSettings;
use crate::function::store::{
    Body, ContentDigest, Fetched, ObjectName, Precondition, Put, PutKind, PutResult, Store,
};
use crate::report::overview::Site;
use crate::source::OVERVIEW_KEY;
use crate::text::push_fmt;

/// The prefix of the keys of all parts, which are in the report bucket.
const PARTS_PREFIX: &str = "overview/parts/";
/// The key of the table of all sites, which is in the report bucket.
const TABLE_KEY: &str = "sites.csv";
/// The maximum number of parts that are read at the same time.
const MAX_CONCURRENT_PARTS: usize = 32;
/// The maximum number of attempts to write an object that other invocations write at the same time.
const MAX_ATTEMPTS: u32 = 8;

/// Writes the part of a batch. Does nothing if there is no report bucket or if `sites` is empty.
///
/// # Errors
///
/// If a call to the store fails.
pub(crate) async fn write_part<S: Store>(
    store: &S,
    settings: &FunctionSettings,
    batch: &RunBatch,
    sites: &[Site],
) -> Result<(), Error> {
    let Some(bucket) = settings.report_bucket.clone().filter(|_| !sites.is_empty()) else {
        return Ok(());
    };
    let mut lines = String::new();
    for site in sites {
        lines.push_str(&serde_json::to_string(site).unwrap_or_default());
        lines.push('\n');
    }
    let key = part_key(batch);
    let put = ObjectToWrite {
        name: ObjectName { bucket, key },
        bytes: lines.into_bytes(),
        content_type: "application/x-ndjson",
    };
    put.write(store, Precondition::Absent).await
}

fn part_key(batch: &RunBatch) -> String {
    let mut digest = Sha256::new();
    for object in &batch.objects {
        digest.update(&object.name.key);
        // A separator that no key contains, because it is not valid UTF-8.
        digest.update([0xff]);
    }
    let mut key = format!("{PARTS_PREFIX}{}/{}-", batch.run, batch.kind.name());
    for byte in digest.finalize().iter().take(16) {
        push_fmt(&mut key, format_args!("{byte:02x}"));
    }
    key + ".jsonl"
}

/// Reads the parts of a run for one kind of object. Sites for which `wanted` returns false are dropped after
/// each part, so a run over a million sites needs memory only for the sites that the overview shows.
///
/// # Errors
///
/// If a call to the store fails, or [`ErrorKind::Damaged`] if a part cannot be parsed.
pub(crate) async fn read_parts<S: Store>(
    store: &S,
    settings: &FunctionSettings,
    run: &str,
    kind: ItemKind,
    wanted: impl Fn(&Site) -> bool,
) -> Result<Vec<Site>, Error> {
    let Some(bucket) = settings.report_bucket.as_ref() else {
        return Ok(Vec::new());
    };
    let prefix = format!("{PARTS_PREFIX}{run}/{}-", kind.name());
    let keys = store.list(bucket, &prefix).await?;
    let mut sites = Vec::new();
    let mut parts = stream::iter(keys)
        .map(|key| {
            let bucket = bucket.clone();
            async move { read_part(store, &ObjectName { bucket, key }).await }
        })
        .buffered(MAX_CONCURRENT_PARTS);
    while let Some(part) = parts.try_next().await? {
        sites.extend(part.into_iter().filter(&wanted));
    }
    Ok(sites)
}

async fn read_part<S: Store>(store: &S, name: &ObjectName) -> Result<Vec<Site>, Error> {
    let Fetched::Found(_, mut body) = store.get(name, None).await? else {
        return Ok(Vec::new());
    };
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await? {
        bytes.extend_from_slice(piece.as_ref());
    }
    let sites = serde_json::Deserializer::from_slice(&bytes).into_iter();
    sites
        .collect::<Result<_, _>>()
        .map_err(|err| Error::new(ErrorKind::Damaged, format!("read {name}")).with_source(err))
}

/// Writes the overview page and the table of all sites. They replace the page and the table of an earlier
/// run. Does nothing if there is no report bucket.
///
/// # Errors
///
/// If a call to the store fails.
pub(crate) async fn write_overview<S: Store>(
    store: &S,
    settings: &FunctionSettings,
    page: String,
    table: String,
) -> Result<(), Error> {
    let Some(bucket) = settings.report_bucket.as_ref() else {
        return Ok(());
    };
    for (key, text, content_type) in [
        (TABLE_KEY, table, "text/csv; charset=utf-8"),
        (OVERVIEW_KEY, page, "text/html; charset=utf-8"),
    ] {
        let name = ObjectName {
            bucket: bucket.clone(),
            key: key.to_owned(),
        };
        let precondition = current_precondition(store, &name).await?;
        let put = ObjectToWrite {
            name,
            bytes: text.into_bytes(),
            content_type,
        };
        put.write(store, precondition).await?;
    }
    Ok(())
}

async fn current_precondition<S: Store>(
    store: &S,
    name: &ObjectName,
) -> Result<Precondition, Error> {
    let head = store.head(name).await?;
    Ok(head.map_or(Precondition::Absent, |head| {
        Precondition::Matches(head.etag)
    }))
}

/// An object to write, which replaces any existing object with the same name.
struct ObjectToWrite {
    name: ObjectName,
    bytes: Vec<u8>,
    content_type: &'static str,
}

impl ObjectToWrite {
    async fn write<S: Store>(
        &self,
        store: &S,
        mut precondition: Precondition,
    ) -> Result<(), Error> {
        for _ in 0..MAX_ATTEMPTS {
            let put = Put {
                bytes: self.bytes.clone(),
                digest: ContentDigest::of(&self.bytes),
                content_type: self.content_type,
                metadata: BTreeMap::new(),
                precondition,
                form: PutKind::Single,
            };
            if store.put(&self.name, put).await? == PutResult::Written {
                return Ok(());
            }
            precondition = current_precondition(store, &self.name).await?;
        }
        Err(Error::new(
            ErrorKind::Contention,
            format!("PUT {}", self.name),
        ))
    }
}
