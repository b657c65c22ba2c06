//! Round trips of the compiled form, and damaged objects.

use proptest::prelude::*;

use super::*;
use crate::ip::AddrRange;
use crate::ip::parse_address;
use crate::list::{ListBuilder, Member};
use crate::time::Instant;

fn period() -> impl Strategy<Value = Period> {
    let bound = || {
        prop::option::weighted(
            0.5,
            prop_oneof![
                (0_i64..3).prop_map(Instant::from_seconds),
                any::<i64>().prop_map(Instant::from_seconds)
            ],
        )
    };
    (bound(), bound()).prop_filter_map("reversed", |(starts, expires)| {
        let period = Period { starts, expires };
        (!period.is_reversed()).then_some(period)
    })
}

fn range<T: AddrBytes + Arbitrary>() -> impl Strategy<Value = AddrRange<T>> {
    (any::<T>(), any::<T>(), any::<bool>()).prop_map(|(a, b, is_single)| AddrRange {
        first: a.min(b),
        last: if is_single { a.min(b) } else { a.max(b) },
    })
}

fn addresses() -> impl Strategy<Value = AddressSpec> {
    prop_oneof![
        range().prop_map(AddressSpec::Ipv4),
        range().prop_map(AddressSpec::Ipv6),
    ]
}

fn list() -> impl Strategy<Value = CompiledList> {
    let member = (1_u64..300, addresses(), period());
    let action = prop_oneof![
        Just(None),
        Just(Some(Action::Allow)),
        Just(Some(Action::Deny))
    ];
    (prop::collection::vec(member, 0..40), action, "[a-zé]{1,9}").prop_map(
        |(members, action, name)| {
            let mut builder = ListBuilder::with_max_members(100);
            let mut line = 0;
            for (lines, addresses, period) in members {
                line += lines;
                builder.add(Member {
                    line,
                    addresses,
                    period,
                });
            }
            let id = ListId {
                source: format!("lists/{name}.csv"),
                name: ListName::new(&name).unwrap(),
            };
            builder.build(id, action)
        },
    )
}

fn common() -> impl Strategy<Value = CommonRules> {
    let named = prop_oneof![
        4 => addresses().prop_map(CommonAddresses::Spec),
        1 => Just(CommonAddresses::Spec(AddressSpec::All)),
        1 => "[a-z]{1,9}".prop_map(|name| CommonAddresses::List(ListName::new(&name).unwrap())),
    ];
    let action = prop::sample::select(&[Action::Allow, Action::Deny, Action::Always]);
    let row = (1_u64..300, action, named, period(), ".{0,9}", ".{0,9}");
    prop::collection::vec(row, 0..20).prop_map(|rows| {
        let mut line = 0;
        let rows = rows.into_iter();
        let rows = rows.map(|(lines, action, named, period, address, comment)| {
            line += lines;
            CommonRow {
                line,
                action,
                addresses: named,
                period,
                address,
                comment,
            }
        });
        CommonRules {
            rows: rows.collect(),
            source: "_common.csv".into(),
        }
    })
}

/// A kind of damage to the bytes of an object.
#[derive(Clone, Debug)]
enum Damage {
    Bits(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Added(Vec<u8>),
    Removed(prop::sample::Index),
    /// A part is filled with zeros, as after a disk crash.
    Zeros(prop::sample::Index, prop::sample::Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        (index(), 1_u8..).prop_map(|(at, bits)| Damage::Bits(at, bits)),
        index().prop_map(Damage::Cut),
        prop::collection::vec(any::<u8>(), 1..5).prop_map(Damage::Added),
        index().prop_map(Damage::Removed),
        (index(), index()).prop_map(|(from, to)| Damage::Zeros(from, to)),
    ]
}

fn damaged(bytes: &[u8], damage: &Damage) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    match damage {
        Damage::Bits(at, bits) => {
            let at = at.index(bytes.len());
            bytes[at] ^= bits;
        }
        Damage::Cut(at) => bytes.truncate(at.index(bytes.len())),
        Damage::Added(more) => bytes.extend(more),
        Damage::Removed(at) => drop(bytes.remove(at.index(bytes.len()))),
        Damage::Zeros(from, to) => {
            let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
            bytes[from.min(to)..from.max(to)].fill(0);
        }
    }
    bytes
}

/// Recalculates the checksum, so that the reader has to find the damage in the content.
fn with_right_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len().saturating_sub(CHECKSUM_BYTES));
    with_checksum(bytes)
}

proptest! {
    #[test]
    fn a_list_is_read_as_it_was_written(list in list()) {
        prop_assert_eq!(CompiledList::from_bytes(&list.to_bytes()), Ok(list));
    }

    #[test]
    fn the_common_csv_is_read_as_it_was_written(common in common()) {
        prop_assert_eq!(CommonRules::from_bytes(&common.to_bytes()), Ok(common));
    }

    #[test]
    fn damaged_objects_are_refused(list in list(), common in common(), damage in damage()) {
        let bytes = damaged(&list.to_bytes(), &damage);
        prop_assert!(bytes == list.to_bytes() || CompiledList::from_bytes(&bytes).is_err());
        let bytes = damaged(&common.to_bytes(), &damage);
        prop_assert!(bytes == common.to_bytes() || CommonRules::from_bytes(&bytes).is_err());
    }

    #[test]
    fn what_is_read_has_only_this_form(list in list(), common in common(), damage in damage()) {
        let bytes = with_right_checksum(damaged(&list.to_bytes(), &damage));
        if let Ok(list) = CompiledList::from_bytes(&bytes) {
            prop_assert_eq!(list.to_bytes(), bytes);
        }
        let bytes = with_right_checksum(damaged(&common.to_bytes(), &damage));
        if let Ok(common) = CommonRules::from_bytes(&bytes) {
            prop_assert_eq!(common.to_bytes(), bytes);
        }
    }

    #[test]
    fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        prop_assert!(CompiledList::from_bytes(&bytes).is_err());
        let mut framed = start(LIST);
        framed.extend(&bytes);
        let framed = with_checksum(framed);
        if let Ok(list) = CompiledList::from_bytes(&framed) {
            prop_assert_eq!(list.to_bytes(), framed);
        }
    }
}

fn sample() -> CompiledList {
    let mut builder = ListBuilder::with_max_members(10);
    for (line, text) in [
        (2, "192.0.2.7"),
        (3, "198.51.100.0/24"),
        (5, "2001:db8::/32"),
    ] {
        builder.add(Member {
            line,
            addresses: parse_address(text).unwrap(),
            period: Period::ALWAYS,
        });
    }
    let id = ListId {
        name: ListName::new("office").unwrap(),
        source: "lists/office.csv".to_owned(),
    };
    builder.build(id, Some(Action::Allow))
}

/// Stored objects have this form, so a change of these bytes needs a new version.
#[test]
fn the_form_of_version_1_is_fixed() {
    let mut expected = b"htaccess-list 1\n\x06office\x10lists/office.csv\x01\x00".to_vec();
    expected.extend(b"\x02\x02\xc0\0\x02\x07\0\0\x01\xc6\x33\x64\0\xff\x01\0");
    expected.extend(b"\x01\x05\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\0");
    // The number of addresses after the first in a /32: 2^96 − 1, in 14 bytes.
    expected.extend([&[0xff; 13][..], &[0x1f, 0]].concat());
    expected.extend(0x2b0f_c7dc_u32.to_le_bytes());
    assert_eq!(sample().to_bytes(), expected);
}

#[test]
fn says_what_is_wrong() {
    let bytes = sample().to_bytes();
    let check = |bytes: &[u8], error| assert_eq!(CompiledList::from_bytes(bytes), Err(error));
    check(b"", FormatError::OtherKind);
    check(b"IP,Rule\n", FormatError::OtherKind);
    check(&bytes[..10], FormatError::OtherKind);
    check(&bytes[..20], FormatError::Damaged);
    check(&bytes[..bytes.len() - 1], FormatError::Damaged);
    check(b"htaccess-list 2\n", FormatError::OtherVersion);
    let common = CommonRules {
        source: "_common.csv".into(),
        rows: Vec::new(),
    };
    check(&common.to_bytes(), FormatError::OtherKind);
    assert_eq!(CommonRules::from_bytes(&bytes), Err(FormatError::OtherKind));
    let long = [&bytes[..bytes.len() - CHECKSUM_BYTES], b"\0"].concat();
    check(&with_checksum(long), FormatError::Malformed);
}

#[test]
fn a_claimed_length_takes_no_memory() {
    let mut out = start(LIST);
    put_text(&mut out, "x");
    put_text(&mut out, "lists/x.csv");
    out.extend([0, 0]);
    put_number(&mut out, u64::MAX.into());
    assert_eq!(
        CompiledList::from_bytes(&with_checksum(out)),
        Err(FormatError::Malformed)
    );
}

#[test]
fn a_usual_member_takes_few_bytes() {
    const MEMBERS: u32 = 10_000;
    let mut builder = ListBuilder::with_max_members(MEMBERS as usize);
    for line in 1..=MEMBERS {
        let address = line.wrapping_mul(2_654_435_761);
        builder.add(Member {
            line: line.into(),
            addresses: AddressSpec::Ipv4(AddrRange {
                first: address,
                last: address,
            }),
            period: Period::ALWAYS,
        });
    }
    let list = builder.build(
        ListId {
            name: ListName::new("x").unwrap(),
            source: "lists/x.csv".to_owned(),
        },
        None,
    );
    assert!(list.to_bytes().len() < 100 + MIN_MEMBER_BYTES * MEMBERS as usize);
}
