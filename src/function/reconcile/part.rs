//! Stores the facts about the sites of each batch as an object, a *part*, which the end of the run reads.
//!
//! Considered were three places for the facts:
//!
//! - The state of the state machine: Step Functions limits it to 256 KiB, so it has room for counts only.
//! - The metadata of the reports, read at the end: one HEAD for each site in one invocation, which takes too long
//!   for a million sites.
//! - A part for each batch: one PUT and one GET for 100 sites. The batch knows the facts already, because the
//!   publishing protocol fetches the head of the report, whose metadata has them.
//!
//! The last one is used. With a million sites the end of a run reads 20,000 parts of about 20 KB.
//!
//! The key of a part is `overview/parts/RUN/KIND-DIGEST.jsonl`, with a digest of the keys of the batch. So a
//! batch that is tried again replaces its part. A lifecycle rule of the bucket removes parts after some days.

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

/// The prefix of all parts, in the bucket with the reports.
const PARTS_PREFIX: &str = "overview/parts/";
/// The key of the table of all sites, in the bucket with the reports.
const TABLE_KEY: &str = "sites.csv";
/// The maximum number of parts that are read at the same time.
const MAX_CONCURRENT_PARTS: usize = 32;
/// The maximum number of times that an object is written, if others write it at the same time.
const MAX_ATTEMPTS: u32 = 8;

/// Writes the part of a batch. Without a bucket for reports, or without sites, there is none.
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
        // No key contains this byte, which is not UTF-8.
        digest.update([0xff]);
    }
    let mut key = format!("{PARTS_PREFIX}{}/{}-", batch.run, batch.kind.name());
    for byte in digest.finalize().iter().take(16) {
        push_fmt(&mut key, format_args!("{byte:02x}"));
    }
    key + ".jsonl"
}

/// Reads the parts of a run about one bucket. Drops the sites that are not `wanted` as they arrive, so that a run
/// over a million sites needs memory only for those that the overview shows.
///
/// # Errors
///
/// If a call to the store fails, or [`ErrorKind::Damaged`] for a part that is not one.
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

/// Writes the overview. The newest run that ends replaces what an earlier one wrote.
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

/// An object that replaces whatever has its name.
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
