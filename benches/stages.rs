//! Measures each stage between upload and output, and all stages together. For most stages, the throughput
//! is also measured.
//!
//! `make bench-stages` runs all benchmarks. `cargo bench --bench stages -- generate` runs only those whose
//! names contain `generate`. Each benchmark asserts its result, so that no failure is measured.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark that meets an error must stop and show it"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput};
use flate2::Compression;
use flate2::write::GzEncoder;
use htaccess_generator::answer::{Answer, MAX_REJECTIONS_LISTED, Status};
use htaccess_generator::csv::{
    CsvError, Parser, Row, RowContext, RowError, RowSink, TextDecoder, TextSink,
};
use htaccess_generator::generate::generate;
use htaccess_generator::ip::{AddrRange, RangeSet, parse_address};
use htaccess_generator::list::Shared;
use htaccess_generator::policy::{Policy, PolicyBuilder};
use htaccess_generator::render::{Template, render};
use htaccess_generator::report::{Facts, report_page};
use htaccess_generator::rule::Action;
use htaccess_generator::rule::DefaultPolicy;
use htaccess_generator::settings::{DEFAULT_MAX_CSV_BYTES, Settings, Spelling, Strict};
use htaccess_generator::source::Source;
use htaccess_generator::time::{DateReader, Instant};

const LARGE: usize = 1_000_000;
const SMALL: usize = 5_000;
const HEADER: &str = "IP Address,Rule,Comment\n";
/// The size of the pieces in which an upload is read, in bytes, as if they came from the network.
const PIECE_BYTES: usize = 16 * 1024;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4))
        .sample_size(20)
        .configure_from_args();
    start(&mut criterion);
    decode(&mut criterion);
    parse(&mut criterion);
    addresses(&mut criterion);
    sets(&mut criterion);
    output(&mut criterion);
    whole(&mut criterion);
    criterion.final_summary();
}

/// Measures the work of a cold start: reading the settings and compiling the template.
fn start(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("start");
    group.bench_function("settings", |bencher| {
        bencher.iter(|| {
            let value = |name: &str| (name == "STRICT").then(|| "all".to_owned());
            let settings = Settings::read(Spelling::Variable, value).unwrap();
            assert_eq!(settings.strict, Strict::All);
            settings
        });
    });
    group.bench_function("compile template", |bencher| {
        bencher.iter(|| Template::built_in(black_box("apache24")).unwrap());
    });
    group.finish();
}

/// A sink that counts the bytes.
#[derive(Default)]
struct Text(usize);

impl TextSink for Text {
    fn push(&mut self, piece: &[u8]) -> Result<(), CsvError> {
        self.0 += piece.len();
        Ok(())
    }
}

fn decode(criterion: &mut Criterion) {
    let plain = random_ipv4_csv(LARGE);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&plain).unwrap();
    let text = String::from_utf8(plain.clone()).unwrap();
    let mut utf16 = vec![0xff, 0xfe];
    utf16.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    let mut group = criterion.benchmark_group("decode");
    for (name, upload) in [
        ("utf-8", plain.clone()),
        ("utf-16", utf16),
        ("gzip", gzip.finish().unwrap()),
    ] {
        group.throughput(bytes(plain.len()));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut decoder = TextDecoder::new(Text::default(), DEFAULT_MAX_CSV_BYTES);
                for piece in upload.chunks(PIECE_BYTES) {
                    decoder.push(piece).unwrap();
                }
                let text = decoder.finish().unwrap();
                assert_eq!(text.0, plain.len());
            });
        });
    }
    group.finish();
}

/// A sink that counts the rows.
#[derive(Default)]
struct Count {
    accepted: usize,
    rejected: usize,
}

impl RowSink for Count {
    fn accept(&mut self, rule: Row<'_>) {
        black_box(rule.named);
        self.accepted += 1;
    }

    /// Counts a rejection. Explains the first rejections, like `generate`.
    fn reject(&mut self, line: u64, error: &RowError<'_>) {
        if self.rejected < MAX_REJECTIONS_LISTED {
            black_box(error.explain(line));
        }
        self.rejected += 1;
    }
}

/// Measures how lines, records and rows are read.
fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    for (name, csv, accepted) in [
        ("ipv4", random_ipv4_csv(LARGE), LARGE),
        ("ipv6", random_ipv6_csv(LARGE), LARGE),
        ("quoted", quoted(&random_ipv4_csv(LARGE)), LARGE),
        ("all rejected", rejected_csv(LARGE), 0),
    ] {
        group.throughput(bytes(csv.len()));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut parser = Parser::new(
                    Count::default(),
                    DateReader::default(),
                    RowContext::default(),
                );
                for piece in csv.chunks(PIECE_BYTES) {
                    parser.push(piece).unwrap();
                }
                let rows = parser.finish().unwrap();
                assert_eq!((rows.accepted, rows.rejected), (accepted, LARGE - accepted));
            });
        });
    }
    group.finish();
}

/// A function that formats a number as an address cell.
type PutKind = Box<dyn Fn(u32) -> String>;

/// Measures how cells are parsed, for each form of a cell.
fn addresses(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("address");
    let v4 = |suffix: &'static str| move |one: u32| format!("{}{suffix}", Ipv4Addr::from(one));
    let forms: [(&str, PutKind); 6] = [
        ("ipv4", Box::new(v4(""))),
        (
            "ipv6",
            Box::new(|one| Ipv6Addr::from(u128::from(one) << 64 | 0x2001 << 112).to_string()),
        ),
        ("cidr", Box::new(move |one| v4("/24")(one & !0xff))),
        (
            "netmask",
            Box::new(move |one| v4("/255.255.255.0")(one & !0xff)),
        ),
        (
            "range",
            Box::new(move |one| format!("{0}-{0}", Ipv4Addr::from(one))),
        ),
        ("invalid", Box::new(v4(".1"))),
    ];
    for (name, form) in forms {
        let texts: Vec<String> = random_words(1000).map(form).collect();
        let accepted = if name == "invalid" { 0 } else { texts.len() };
        group.throughput(bytes(texts.iter().map(String::len).sum()));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let parsed = texts.iter().filter(|text| parse_address(text).is_ok());
                assert_eq!(parsed.count(), accepted);
            });
        });
    }
    group.finish();
}

fn sets(criterion: &mut Criterion) {
    let random: Vec<AddrRange<u32>> = random_words(LARGE).map(single).collect();
    let distinct: BTreeSet<u32> = random_words(LARGE).collect();
    let sorted: Vec<AddrRange<u32>> = distinct.iter().copied().map(single).collect();
    let neighbours: Vec<AddrRange<u32>> = (1 << 24..).take(LARGE).map(single).collect();
    let mut group = criterion.benchmark_group("set");
    for (name, ranges, count) in [
        ("union of random", &random, distinct.len()),
        ("union of sorted", &sorted, sorted.len()),
        ("union of neighbours", &neighbours, LARGE),
    ] {
        group.throughput(Throughput::Bytes(size_of_val(ranges.as_slice()) as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || ranges.clone(),
                |ranges| {
                    let set = RangeSet::from_unsorted(ranges);
                    assert_eq!(set.address_count(), count as u128);
                    set
                },
                BatchSize::LargeInput,
            );
        });
    }
    let set = RangeSet::from_unsorted(sorted);
    let halves: Vec<AddrRange<u32>> = set.ranges().iter().step_by(2).copied().collect();
    let half = RangeSet::from_unsorted(halves);
    group.throughput(Throughput::Bytes(size_of_val(set.ranges()) as u64));
    group.bench_function("difference", |bencher| {
        bencher.iter(|| {
            let left = set.difference(black_box(&half));
            let expected = set.address_count() - half.address_count();
            assert_eq!(left.address_count(), expected);
        });
    });
    let network_count = set.networks().count();
    group.bench_function("networks as text", |bencher| {
        bencher.iter(|| {
            let texts = set.networks().map(|network| black_box(network.text()));
            assert_eq!(texts.count(), network_count);
        });
    });
    group.finish();
}

fn output(criterion: &mut Criterion) {
    let template = Template::built_in("apache24").unwrap();
    let mut group = criterion.benchmark_group("output");
    for count in [SMALL, LARGE] {
        let policy = policy(count);
        let file = render(&template, &Source::default(), &policy, &[], 0, u64::MAX).unwrap();
        group.throughput(bytes(file.text.len()));
        group.bench_function(format!("render/{count}"), |bencher| {
            bencher.iter(|| {
                let made =
                    render(&template, &Source::default(), &policy, &[], 0, u64::MAX).unwrap();
                assert_eq!(made.text.len(), file.text.len());
            });
        });
    }
    let clean = Answer::new("clients/acme.csv", Status::Written);
    let rejected = outcome(&rejected_csv(SMALL)).0;
    let policy = policy(SMALL);
    for (name, answer, policy) in [
        ("clean", &clean, None),
        ("100 rejections", &rejected, None),
        ("5000 networks", &clean, Some(&policy)),
    ] {
        let facts = Facts {
            policy,
            ..Facts::default()
        };
        let page = report_page(answer, facts);
        group.throughput(bytes(page.len()));
        group.bench_function(format!("report/{name}"), |bencher| {
            bencher.iter(|| {
                assert_eq!(report_page(black_box(answer), facts).len(), page.len());
            });
        });
    }
    group.finish();
}

fn whole(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("generate");
    for (name, csv, rows) in [
        ("ipv4/5000", random_ipv4_csv(SMALL), SMALL),
        ("ipv4/1000000", random_ipv4_csv(LARGE), LARGE),
        ("ipv6/5000", random_ipv6_csv(SMALL), SMALL),
        ("ipv6/1000000", random_ipv6_csv(LARGE), LARGE),
        ("quoted/1000000", quoted(&random_ipv4_csv(LARGE)), LARGE),
    ] {
        group.throughput(bytes(csv.len()));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let (answer, file) = outcome(black_box(&csv));
                assert_eq!(
                    (answer.status, answer.accepted),
                    (Status::Written, rows as u64)
                );
                file
            });
        });
    }
    group.finish();
}

fn outcome(csv: &[u8]) -> (Answer, Option<String>) {
    let template = Template::built_in("apache24").unwrap();
    let source = Source {
        key: "clients/acme.csv".to_owned(),
        ..Source::default()
    };
    let settings = Settings {
        max_output_bytes: u64::MAX,
        ..Settings::default()
    };
    let outcome = generate(
        csv,
        &settings,
        &template,
        &source,
        Instant::MIN,
        &Shared::default(),
    );
    (outcome.answer, outcome.file)
}

/// Returns a policy that allows this number of random addresses.
fn policy(count: usize) -> Policy {
    let mut rules = PolicyBuilder::default();
    for one in random_words(count) {
        let addresses = parse_address(&Ipv4Addr::from(one).to_string()).unwrap();
        rules.add(Action::Allow, addresses);
    }
    rules.build(DefaultPolicy::Deny)
}

fn bytes(count: usize) -> Throughput {
    Throughput::Bytes(count as u64)
}

fn single(address: u32) -> AddrRange<u32> {
    AddrRange {
        first: address,
        last: address,
    }
}

fn random_ipv4_csv(rows: usize) -> Vec<u8> {
    csv(random_words(rows).map(Ipv4Addr::from))
}

fn random_ipv6_csv(rows: usize) -> Vec<u8> {
    let high = 0x2001_0db8_u128 << 96;
    csv(random_words(rows)
        .map(|one| Ipv6Addr::from(high | u128::from(one) << 40 | u128::from(one))))
}

/// Returns a CSV with an invalid address in each row. All addresses differ.
fn rejected_csv(rows: usize) -> Vec<u8> {
    csv(random_words(rows).map(|one| format!("{}.1", Ipv4Addr::from(one))))
}

fn csv<T: std::fmt::Display>(addresses: impl Iterator<Item = T>) -> Vec<u8> {
    let mut text = HEADER.to_owned();
    for (number, address) in addresses.enumerate() {
        writeln!(text, "{address},Allow,client {number}").unwrap();
    }
    text.into_bytes()
}

/// Encloses each cell in quotes.
fn quoted(csv: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(csv).unwrap().replace(',', "\",\"");
    let lines = text.lines().map(|line| format!("\"{line}\"\n"));
    lines.collect::<String>().into_bytes()
}

/// Returns random numbers from `SplitMix64` with a fixed seed.
fn random_words(count: usize) -> impl Iterator<Item = u32> {
    let mut state = 0_u64;
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap()
    })
    .take(count)
}
