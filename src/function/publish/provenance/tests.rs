use super::*;
use crate::report::overview::LastChange;

fn head(etag: &str, metadata: BTreeMap<String, String>) -> Head {
    Head {
        etag: etag.to_owned(),
        metadata,
        ..Head::default()
    }
}

#[test]
fn reads_back_what_it_wrote() {
    let input = Head {
        etag: "\"e\"".to_owned(),
        version_id: "v 1".to_owned(),
        last_modified: 7,
        ..Head::default()
    };
    let written = Provenance::new("é à.csv", Some(&input), "digest");
    let read = Provenance::from_metadata(&head("\"o\"", written.metadata()));
    assert!(written.is_same(&read) && read.owner("é à.csv") == Owner::Own);
    assert_eq!(read.owner("e.csv"), Owner::Other("é à.csv".to_owned()));
    assert!(!read.is_strictly_older_than(&input));
    assert!(read.is_strictly_older_than(&Head {
        last_modified: 8,
        ..input
    }));
}

#[test]
fn remembers_what_it_replaced_for_as_long_as_a_writer_can_wait_for_it() {
    let write = |bytes: &[u8], form, current: &Provenance, now| {
        let current = head("", current.metadata());
        Provenance::default()
            .with_history_of(&current, now)
            .with_content(ContentDigest::of(bytes), form)
    };
    let a = Provenance::default().with_content(ContentDigest::of(b"a"), PutKind::Single);
    let b = write(b"b", PutKind::Single, &a, 1000);
    assert!(!b.reuses_recent_etag());
    assert!(write(b"a", PutKind::Single, &b, 1500).reuses_recent_etag());
    assert!(write(b"b", PutKind::Single, &b, 1500).reuses_recent_etag());
    assert!(!write(b"a", PutKind::Multipart, &b, 1500).reuses_recent_etag());
    assert!(!write(b"a", PutKind::Single, &b, 1000 + REPLACED_SECONDS).reuses_recent_etag());
}

#[test]
fn remembers_a_permanent_delete_for_as_long_as_a_writer_can_have_read_the_version() {
    let input = |last_modified| Head {
        last_modified,
        ..Head::default()
    };
    let of = |last_modified| Provenance::new("a.csv", Some(&input(last_modified)), "digest");
    let marked = of(1).with_reverted("v 2", 1000);
    let read = Provenance::from_metadata(&head("", marked.metadata()));
    assert!(marked.is_same(&read) && of(1).is_same(&read) && !marked.is_same(&of(1)));
    assert!(!of(1).with_reverted("v3", 1000).is_same(&read));
    assert!(of(1).is_strictly_older_than(&input(2)));
    assert!(!read.is_strictly_older_than(&input(2)));
    let later = |seconds| {
        let replaced = head("", marked.metadata());
        of(3).with_history_of(&replaced, 1000 + seconds)
    };
    assert!(!later(REPLACED_SECONDS - 1).is_strictly_older_than(&input(4)));
    assert!(later(REPLACED_SECONDS).is_strictly_older_than(&input(4)));
    let nameless = of(1).with_reverted("", 1000);
    assert!(!nameless.is_same(&nameless), "two deletes can be meant");
}

#[test]
fn records_the_instants_between_which_it_holds() {
    let instant = Instant::from_seconds;
    let written =
        Provenance::new("a.csv", None, "digest").with_period(instant(-5), Some(instant(60)));
    let read = Provenance::from_metadata(&head("", written.metadata()));
    assert_eq!(read, written);
    assert!(read.holds_at(instant(59)) && !read.holds_at(instant(60)));
    let forever = Provenance::new("a.csv", None, "digest").with_period(instant(-5), None);
    let read = Provenance::from_metadata(&head("", forever.metadata()));
    assert_eq!(read, forever);
    assert!(read.holds_at(Instant::MAX));
    assert!(read.is_same(&written), "the input is the same");
    let mut metadata = written.metadata();
    metadata.insert("holds-until".to_owned(), "tomorrow".to_owned());
    assert!(!Provenance::from_metadata(&head("", metadata)).holds_at(instant(0)));
}

#[test]
fn stays_below_the_limit_of_metadata() {
    for long in ["é".repeat(512), "k".repeat(800), "k".repeat(1024)] {
        stays_below_the_limit(&long);
    }
}

/// Returns the figures of the largest upload that the size limits accept.
fn largest_facts() -> SiteFacts {
    SiteFacts {
        rows: 999_999_999,
        rejected: 999_999_999,
        networks: 99_999_999,
        bytes: 999_999_999,
        request_microseconds: 999_999_999,
        next_change: Some(253_402_207_200),
        last_change: Some(LastChange {
            at: 253_402_207_200,
            gained: 99_999_999,
            lost: 99_999_999,
        }),
    }
}

#[track_caller]
fn stays_below_the_limit(long: &str) {
    let input = Head {
        etag: format!("\"{}-1\"", "f".repeat(32)),
        version_id: "v".repeat(1024),
        last_modified: i64::MAX,
        ..Head::default()
    };
    let mut provenance = Provenance::new(long, Some(&input), &"d".repeat(32))
        .with_report(Some(&RichText::from(long)), long)
        .with_period(Instant::MAX, Some(Instant::MAX))
        .with_lists("d".repeat(32))
        .with_reverted(&"v".repeat(100), 1_800_000_000)
        .with_facts(largest_facts());
    for _ in 0..100 {
        let current = head(&input.etag, provenance.metadata());
        provenance = provenance
            .with_history_of(&current, 1_800_000_000)
            .with_content(ContentDigest::of(b""), PutKind::Multipart);
    }
    let bytes: usize = provenance
        .metadata()
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    // The remaining bytes are reserved for more values.
    assert!(bytes < 2000, "{bytes}");
    let read = Provenance::from_metadata(&head("", provenance.metadata()));
    assert_eq!(read.facts(), Some(largest_facts()));
    assert_eq!(provenance.owner(long), Owner::Own);
    assert_ne!(provenance.owner(&format!("{long}1")), Owner::Own);
}
