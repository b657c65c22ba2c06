//! Four environments handle events that are late, repeated and in any order, and all uploads have the
//! same second. At the end, the last CSV of every site must be published.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use htaccess_generator::function::Handler;
use htaccess_generator::generate::generate;
use htaccess_generator::list::Shared;
use htaccess_generator::render::Template;
use htaccess_generator::settings::Settings;
use htaccess_generator::source::Source;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::Value;

use super::http::Fault;
use super::server::Server;
use super::{handle, runtime, store};
use crate::function::handler::{put_event, settings};
use crate::support::AS_OF;

/// The number of sites if `RACE_SITES` is not set. `make test` uses 500.
const SITES: usize = 60;
const ENVIRONMENTS: usize = 4;
/// The last byte of the address that each site allows, for each upload. Every other site
/// returns to its first rules.
const UPLOADS: [[u8; 4]; 2] = [[1, 2, 3, 4], [1, 2, 1, 1]];
/// The number of oldest events from which the next event is chosen at random, so that
/// the events of a site meet.
const WINDOW: usize = 8;

fn sites() -> usize {
    std::env::var("RACE_SITES").map_or(SITES, |sites| sites.parse().unwrap())
}

fn key(file: usize) -> String {
    format!("clients/{file}.csv")
}

fn csv(file: usize, upload: usize) -> String {
    let allowed = UPLOADS[file % 2][upload];
    format!(
        "IP,Rule\n10.{}.{}.{allowed},Allow\n",
        file / 256,
        file % 256
    )
}

fn expected(file: usize) -> String {
    let template = Template::built_in("apache24").unwrap();
    let source = Source {
        key: key(file),
        ..Source::default()
    };
    generate(
        csv(file, 3).as_bytes(),
        &Settings::default(),
        &template,
        &source,
        AS_OF,
        &Shared::default(),
    )
    .file
    .unwrap()
}

/// Uploads the CSVs of two sites at a time, so that an upload is still being processed when the next
/// one arrives. Some events are sent twice.
fn upload_everything(server: &Server, files: usize, events: &Mutex<Vec<Value>>) {
    for pair in (0..files).collect::<Vec<_>>().chunks(2) {
        for upload in 0..UPLOADS[0].len() {
            for &file in pair {
                server.upload(
                    &format!("uploads/{}", key(file)),
                    csv(file, upload).as_bytes(),
                );
                let times = if fastrand::u8(0..3) == 0 { 2 } else { 1 };
                for _ in 0..times {
                    events.lock().unwrap().push(put_event(&[&key(file)]));
                }
            }
            // On any machine, the next upload arrives while this one is processed.
            while events.lock().unwrap().len() > ENVIRONMENTS {
                thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// Runs one environment until all events are handled. A failed event is put back.
fn work(server: &Server, events: &Mutex<Vec<Value>>, open: &AtomicUsize, failures: &AtomicUsize) {
    let handler = Handler::new(store(server), settings(&[])).unwrap();
    let runtime = runtime();
    while open.load(Ordering::SeqCst) > 0 || !events.lock().unwrap().is_empty() {
        let event = {
            let mut events = events.lock().unwrap();
            let window = events.len().min(WINDOW);
            if window == 0 {
                None
            } else {
                open.fetch_add(1, Ordering::SeqCst);
                Some(events.remove(fastrand::usize(0..window)))
            }
        };
        let Some(event) = event else {
            thread::sleep(Duration::from_millis(1));
            continue;
        };
        let delivery = LambdaEvent::new(event.clone(), Context::default());
        if runtime.block_on(handler.handle(delivery)).is_err() {
            failures.fetch_add(1, Ordering::SeqCst);
            events.lock().unwrap().push(event);
        }
        open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Returns the number of sites whose output does not match their last CSV, and the number of wrong reports.
fn race(server: &Server, files: usize) -> (usize, usize) {
    let events = Mutex::new(Vec::new());
    let (open, failures) = (AtomicUsize::new(1), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..ENVIRONMENTS {
            scope.spawn(|| work(server, &events, &open, &failures));
        }
        upload_everything(server, files, &events);
        open.fetch_sub(1, Ordering::SeqCst);
    });
    let is_wrong = |file: &usize| {
        let output = server.text(&format!("sites/clients/{file}/.htaccess"));
        output.is_none_or(|output| output.trim_end() != expected(*file).trim_end())
    };
    let has_wrong_report = |file: &usize| {
        let bytes = expected(*file).len();
        let report = server.text(&format!("reports/{}.html", key(*file)));
        report.is_none_or(|report| !report.contains(&format!("\"bytes\":{bytes}")))
    };
    let wrong = (0..files).filter(is_wrong).count();
    let wrong_reports = (0..files).filter(has_wrong_report).count();
    let (conflicts, in_other_forms) = server.counts();
    println!(
        "{files} sites, {ENVIRONMENTS} environments: {wrong} wrong outputs, {wrong_reports} wrong reports; \
         {conflicts} writes met another, {in_other_forms} went out in another form, {} invocations failed and came again",
        failures.load(Ordering::SeqCst)
    );
    (wrong, wrong_reports)
}

fn server() -> Server {
    let server = Server::start();
    server.pause_up_to(Duration::from_millis(4));
    server
}

#[test]
fn no_site_is_left_with_older_rules() {
    let server = server();
    assert_eq!(race(&server, sites()), (0, 0));
    assert!(server.counts().0 > 0, "the race was none");
}

#[test]
fn no_site_is_left_with_older_rules_if_every_tenth_call_fails() {
    let server = server();
    server.plan(|_, _| match fastrand::u8(0..60) {
        0 => Fault::Status(503, "SlowDown"),
        1 => Fault::Status(500, "InternalError"),
        2 => Fault::ClosedBefore,
        3 => Fault::ClosedAfter,
        4 => Fault::Truncated,
        5 => Fault::Status(409, "ConditionalRequestConflict"),
        _ => Fault::None,
    });
    assert_eq!(race(&server, sites()), (0, 0));
}

/// Holds the write of one writer while another writer publishes a newer CSV. Returns the address that the
/// output allows at the end.
fn after_a_late_write(server: &Server) -> String {
    let first = std::sync::atomic::AtomicBool::new(true);
    server.plan(move |request, _| {
        let is_output = request.method == "PUT" && request.path.starts_with("sites/");
        if is_output && first.swap(false, Ordering::SeqCst) {
            Fault::Held
        } else {
            Fault::None
        }
    });
    server.upload("uploads/a.csv", b"IP,Rule\n1.1.1.1,Allow\n");
    thread::scope(|scope| {
        let slow = scope.spawn(|| handle(server, put_event(&["a.csv"])));
        while !server.is_held() {
            assert!(!slow.is_finished(), "the output was not written");
            thread::sleep(Duration::from_millis(1));
        }
        server.upload("uploads/a.csv", b"IP,Rule\n2.2.2.2,Allow\n");
        handle(server, put_event(&["a.csv"])).unwrap();
        server.release();
        slow.join().unwrap().unwrap();
    });
    let output = server.text("sites/a/.htaccess").unwrap();
    output.trim_end().rsplit(' ').next().unwrap().to_owned()
}

#[test]
fn only_the_condition_keeps_out_a_late_write_of_older_rules() {
    assert_eq!(after_a_late_write(&Server::start()), "2.2.2.2");
    let server = Server::start();
    server.ignore_preconditions();
    assert_eq!(after_a_late_write(&server), "1.1.1.1");
}
