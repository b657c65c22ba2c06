//! The limits of an invocation: its deadline takes effect while an upload is read, although the work
//! never waits, and an output above the limit is refused.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use htaccess_generator::function::{ErrorKind, Handler};
use lambda_runtime::{Context, LambdaEvent};

use crate::function::handler::{handle, handle_with, put_event, settings};
use crate::function::memory_store::MemoryStore;
use crate::support::gzip;

/// The piece during which the time of the invocation runs out.
const LATE_PIECE: usize = 3;

/// Handles an upload in an invocation of one minute. Only the store moves the clock. Returns the
/// status or the `errorType`.
fn handle_in_a_minute(store: &MemoryStore) -> Result<String, ErrorKind> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let end = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_mins(1);
    let mut context = Context::default();
    context.deadline = end.as_millis().try_into().unwrap();
    let handler = Handler::new(store, settings(&[])).unwrap();
    let event = LambdaEvent::new(put_event(&["acme.csv"]), context);
    let response = runtime.block_on(handler.handle(event));
    let response = response.map_err(|err| err.kind())?;
    let answer = serde_json::to_value(response).unwrap();
    Ok(answer["results"][0]["status"].as_str().unwrap().to_owned())
}

/// Returns a store with an upload of a few kilobytes in pieces of 1,000 bytes, which
/// decompresses to megabytes of text.
fn store() -> MemoryStore {
    let store = MemoryStore::default();
    let text = format!("IP,Rule\n1.1.1.1,Allow\n{}", "\n".repeat(4 * 1024 * 1024));
    store.upload("uploads", "acme.csv", &gzip(text.as_bytes()));
    store.piece_bytes.set(Some(1000));
    store
}

#[test]
fn a_compressed_upload_stops_in_the_piece_in_which_its_time_runs_out() {
    let store = store();
    store.late_piece.set(Some(LATE_PIECE));
    assert_eq!(handle_in_a_minute(&store), Err(ErrorKind::OutOfTime));
    assert_eq!(store.pieces_read.get(), LATE_PIECE);
    let written = store.take_calls();
    let written = written.iter().any(|call| call.starts_with("PUT"));
    assert!(!written, "nothing is written after the deadline");
}

#[test]
fn the_same_upload_is_published_in_time() {
    let store = store();
    assert_eq!(handle_in_a_minute(&store).as_deref(), Ok("written"));
    assert!(store.pieces_read.get() > 2 * LATE_PIECE);
}

#[test]
fn an_upload_with_a_longer_output_is_refused_and_reported() {
    let store = MemoryStore::default();
    store.upload("uploads", "acme.csv", b"IP,Rule\n1.1.1.1,Allow\n");
    handle(&store, put_event(&["acme.csv"]));
    let before = store.text("sites", "acme/.htaccess");
    store.tick();
    store.upload("uploads", "acme.csv", b"IP,Rule\n1.1.1.1-9.9.9.9,Allow\n");
    let limit = [("MAX_OUTPUT_BYTES", "400")];
    let answer = handle_with(&store, &limit, put_event(&["acme.csv"])).unwrap();
    assert_eq!(answer["results"][0]["code"], "too-large");
    assert_eq!(store.text("sites", "acme/.htaccess"), before);
    let report = store.text("reports", "acme.csv.html").unwrap();
    assert!(report.contains("or raise MAX_OUTPUT_BYTES"), "{report}");
}

/// The last piece is `None`. The work after it is also done in steps.
#[test]
fn the_time_may_run_out_after_the_last_piece() {
    let pieces = store();
    assert!(handle_in_a_minute(&pieces).is_ok());
    let store = store();
    store.late_piece.set(Some(pieces.pieces_read.get()));
    assert_eq!(handle_in_a_minute(&store), Err(ErrorKind::OutOfTime));
    assert!(store.object("sites", "acme/.htaccess").is_none());
}
