use proptest::collection::btree_map;
use sha2::{Digest, Sha256};

use super::*;
use crate::checkpoint::state::{GENERATIONS, Hex};
use crate::tail::identity::{FileKey, Fingerprint};

/// A slot as version 1 writes it, its checksum left out.
const GOLDEN: &str = concat!(
    r#"{"generation":7,"host":{"id":"3c0f1a5be2d49687","name":"node-a"},"streams":{"/var/log/kubernetes/audit.log":"#,
    r#"{"files":[{"name":"audit-2026-11-26T04-00-00.000.log","key":[64768,18446744073709551615],"#,
    r#""head":"3:ba7816bf8f01cfea414140de5dae2223","offset":1048576,"#,
    r#""marker":"0:00000000000000000000000000000000","size":1048600},"#,
    r#"{"name":"audit.log","key":null,"head":"4:88d4266fd4e6338d13b845fcf289579d","offset":0,"#,
    r#""marker":"0:00000000000000000000000000000000","size":0}],"older_done":true}}}"#,
    "\n"
);
const GOLDEN_HEADER: &str =
    "auditwake-offsets 1 7 d12b594eac29a4957526d6971694f07d7f30149a9966016d358a383683298a06\n";

pub(super) fn golden() -> (Slot, Vec<u8>) {
    let older = FileMark {
        name: "audit-2026-11-26T04-00-00.000.log".to_owned(),
        key: Some(FileKey { device: 64768, inode: u64::MAX }),
        head: Fingerprint::of(b"abc"),
        offset: 1 << 20,
        size: (1 << 20) + 24,
        ..FileMark::default()
    };
    let live =
        FileMark { name: "audit.log".to_owned(), head: Fingerprint::of(b"abcd"), ..FileMark::default() };
    let stream = StreamMark { files: vec![older, live], older_done: true };
    let state = State { streams: BTreeMap::from([("/var/log/kubernetes/audit.log".to_owned(), stream)]) };
    let host = Host { id: "3c0f1a5be2d49687".to_owned(), name: "node-a".to_owned() };
    (Slot { generation: 7, host, state }, format!("{GOLDEN_HEADER}{GOLDEN}").into_bytes())
}

/// A header whose checksum fits the text.
pub(super) fn with_header(version: &str, generation: u64, json: &str) -> Vec<u8> {
    let hash = Sha256::digest(json);
    format!("auditwake-offsets {version} {generation} {}\n{json}", Hex(&hash)).into_bytes()
}

#[test]
fn the_format_is_what_it_was() {
    let (slot, bytes) = golden();
    let written = encode(&slot.state, slot.generation, &slot.host);
    assert_eq!(String::from_utf8(written).unwrap(), String::from_utf8(bytes.clone()).unwrap());
    assert_eq!(decode(&bytes), Ok(slot));
}

#[test]
fn every_truncation_is_told() {
    let (_, bytes) = golden();
    assert_eq!(decode(b""), Err(Bad::Empty));
    for length in 1..bytes.len() {
        assert_eq!(decode(&bytes[..length]), Err(Bad::Torn), "{length} bytes");
    }
}

#[test]
fn every_flipped_bit_is_told() {
    let (_, mut bytes) = golden();
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(decode(&bytes).is_err(), "bit {bit}");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn what_is_more_than_a_slot_is_none() {
    let (_, bytes) = golden();
    assert_eq!(decode(&[&bytes[..], b"{}"].concat()), Err(Bad::Torn));
    assert_eq!(decode(&[&bytes[..], b"\n"].concat()), Err(Bad::Checksum));
    assert_eq!(decode(&[&bytes[..], &[0; 4096]].concat()), Err(Bad::Nuls));
    assert_eq!(decode(&[0; 4096]), Err(Bad::Nuls));
    assert_eq!(decode(b"{\"Version\":2,\"Registry\":{}}\n"), Err(Bad::NotOurs));
}
#[test]
fn other_versions_are_told() {
    assert_eq!(decode(&with_header("2", 7, "{}\n")), Err(Bad::Newer(2)));
    assert_eq!(decode(&with_header("4294967295", 7, "whatever it is")), Err(Bad::Newer(u32::MAX)));
    assert_eq!(decode(b"auditwake-offsets 3\n"), Err(Bad::Newer(3)));
    for version in ["0", "-1", "", "x", "99999999999"] {
        assert_eq!(decode(&with_header(version, 7, GOLDEN)), Err(Bad::NotOurs), "{version}");
    }
    assert_eq!(decode(&with_header("+1", 7, GOLDEN)), Err(Bad::Checksum));
}

#[test]
fn a_checksum_that_fits_is_not_enough() {
    assert!(decode(&with_header("1", 7, GOLDEN)).is_ok());
    // The hash is not over the header.
    assert_eq!(decode(&with_header("1", 8, GOLDEN)), Err(Bad::Checksum));
    for (was, is) in [
        ("\"older_done\":true", "\"older_done\":1"),
        ("\"older_done\":true", "\"older_done\":true,\"more\":1"),
        ("\"offset\":1048576", "\"offset\":-1"),
        ("\"offset\":1048576,", ""),
        ("3:ba78", "3:+a78"),
        ("3:ba78", "3:ba7"),
        ("3:ba78", "ba78"),
        ("[64768,", "["),
        ("{\"generation\"", "[[[[[[[[{\"generation\""),
    ] {
        assert!(GOLDEN.contains(was));
        let decoded = decode(&with_header("1", 7, &GOLDEN.replace(was, is)));
        assert!(matches!(decoded, Err(Bad::Content(_))), "{is}: {decoded:?}");
    }
    let deep = format!("{}\n", "[".repeat(1 << 20));
    assert!(matches!(decode(&with_header("1", 7, &deep)), Err(Bad::Content(_))));
}

#[test]
fn generations_do_not_wrap() {
    let slot = |generation| encode(&at(5), generation, &host("here"));
    assert!(matches!(decode(&slot(0)), Err(Bad::Content(_))));
    assert!(matches!(decode(&slot(u64::MAX)), Err(Bad::Content(_))));
    assert_eq!(decode(&slot(GENERATIONS - 1)).unwrap().generation, GENERATIONS - 1);

    let scratch = Scratch::new().saved([1, 2]);
    fs::write(scratch.slot(0), slot(GENERATIONS - 2)).unwrap();
    fs::write(scratch.slot(1), slot(GENERATIONS - 1)).unwrap();
    let (mut store, loaded) = scratch.open();
    assert_eq!((loaded.state, loaded.trust), (at(5), Trust::Good));
    let error = store.save(&at(6)).unwrap_err();
    assert!(error.to_string().contains("cannot be counted any further"), "{error}");
    drop(store);
    assert_eq!(scratch.look().state, at(5));
}

fn any_mark() -> impl Strategy<Value = FileMark> {
    let head = vec(any::<u8>(), 1..4);
    (".{0,12}", any::<Option<(u64, u64)>>(), head, any::<u64>(), any::<[u8; 16]>(), any::<u64>()).prop_map(
        |(name, key, head, offset, hash, size)| FileMark {
            name,
            key: key.map(|(device, inode)| FileKey { device, inode }),
            head: Fingerprint::of(&head),
            offset,
            marker: Fingerprint { len: 16, hash },
            size,
        },
    )
}

pub(super) fn any_state() -> impl Strategy<Value = State> {
    let stream = (vec(any_mark(), 0..4), any::<bool>())
        .prop_map(|(files, older_done)| StreamMark { files, older_done });
    btree_map(".{0,20}", stream, 0..4).prop_map(|streams| State { streams })
}

proptest! {
    #[test]
    fn what_is_written_is_read(state in any_state(), generation in 1..GENERATIONS, name in ".{0,9}") {
        let slot = Slot { generation, host: Host { id: name.clone(), name }, state };
        prop_assert_eq!(decode(&encode(&slot.state, generation, &slot.host)), Ok(slot));
    }

    #[test]
    fn whatever_is_read_is_no_panic(bytes in vec(any::<u8>(), 0..200), version in 0..3_u32) {
        let _ = decode(&bytes);
        let _ = decode(&[format!("auditwake-offsets {version} ").as_bytes(), &bytes].concat());
        let _ = decode(&with_header("1", 1, &format!("{}\n", String::from_utf8_lossy(&bytes))));
    }
}
