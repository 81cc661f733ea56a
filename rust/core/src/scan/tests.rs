use proptest::prelude::*;

use super::*;
use edge::Edge;

#[path = "../../tests/lanes/edge.rs"]
mod edge;

/// Miri is some thousand times slower, and what it looks for, it finds in a short text.
const DEEP: usize = if cfg!(miri) { 1000 } else { 1_000_000 };

/// Lengths and places around the ends of vectors and blocks, and of two of them.
const EDGES: [usize; 14] = [0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129];

/// The end of a container, one byte at a time.
fn slow_container_end(text: &[u8], from: usize) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (0i64, false, false);
    for (i, &byte) in text.iter().enumerate().skip(from) {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'\\' => escaped = !escaped,
            b'"' if !escaped => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        if byte != b'\\' {
            escaped = false;
        }
        if depth == 0 && matches!(byte, b'}' | b']') {
            return Some(i + 1);
        }
    }
    None
}

/// What comes of a task at each level that this machine has; the same at all of them.
fn at_each_level<T: Task + Copy>(task: T) -> T::Output
where
    T::Output: PartialEq + std::fmt::Debug,
{
    let levels = SimdLevel::ALL.into_iter().filter(|level| level.is_available());
    // SAFETY: the level is available.
    let mut all: Vec<_> = levels.map(|level| (level, unsafe { level::run(level, task) })).collect();
    assert!(all.iter().all(|(_, found)| *found == all[0].1), "{all:?}");
    all.swap_remove(0).1
}

/// The end of a container at every level.
fn every_container_end(text: &[u8], from: usize) -> Option<usize> {
    at_each_level(Container { text, from }).map(|extent| extent.end)
}

/// The end of a string.
#[derive(Clone, Copy)]
struct StringEnd<'a>(&'a [u8], usize);

impl Task for StringEnd<'_> {
    type Output = Option<usize>;

    #[expect(clippy::inline_always, reason = "as every task")]
    #[inline(always)]
    fn run<K: Kernel>(self) -> Option<usize> {
        K::string_end(self.0, self.1)
    }
}

/// The end of plain text.
#[derive(Clone, Copy)]
struct PlainEnd<'a>(&'a [u8], usize);

impl Task for PlainEnd<'_> {
    type Output = Option<usize>;

    #[expect(clippy::inline_always, reason = "as every task")]
    #[inline(always)]
    fn run<K: Kernel>(self) -> Option<usize> {
        K::plain_end(self.0, self.1)
    }
}

fn slow_string_end(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn structural() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        Just(b'{'),
        Just(b'}'),
        Just(b'['),
        Just(b']'),
        Just(b'"'),
        Just(b'\\'),
        Just(b'a'),
        Just(b','),
        any::<u8>()
    ];
    prop::collection::vec(byte, 0..300)
}

#[test]
fn a_bracket_of_the_wrong_kind_is_found_at_any_depth() {
    for depth in [1, 2, 63, 64, 65, 127, 128, 129, 300] {
        // Objects and arrays in an order without a period of a power of two.
        let is_object = |level: usize| level % 3 == 1 || level % 7 == 2;
        let mut text = String::new();
        (0..depth).for_each(|level| text.push_str(if is_object(level) { r#"{"":"# } else { "[" }));
        text.push('1');
        let inner = text.len();
        (0..depth).rev().for_each(|level| text.push(if is_object(level) { '}' } else { ']' }));
        assert!(is_json(&text), "{depth}");
        for at in inner..text.len() {
            let mut wrong = text.clone().into_bytes();
            wrong[at] ^= b']' ^ b'}';
            assert_eq!(checked_members(&wrong, |_| {}), Err(at), "{depth}");
            assert_eq!(checked_members(&text.as_bytes()[..at], |_| {}), Err(at), "{depth}");
        }
    }
}

#[test]
fn a_checked_object_tells_its_own_members() {
    let text = br#" { "a" : {"x":[1,{"y":2}]} ,"\u0062":[ ] , "":"\"" } "#;
    let mut told = Vec::new();
    checked_members(text, |member| told.push(member)).unwrap();
    let told: Vec<_> = told
        .into_iter()
        .map(|Checked { key, escaped, value }| {
            (std::str::from_utf8(&text[key]).unwrap(), escaped, std::str::from_utf8(&text[value]).unwrap())
        })
        .collect();
    let wanted = [
        (r#""a""#, false, r#"{"x":[1,{"y":2}]}"#),
        (r#""\u0062""#, true, "[ ]"),
        (r#""""#, false, r#""\"""#),
    ];
    assert_eq!(told, wanted);
    for other in ["[{\"a\":1}]", "1", "\"a\"", "{}"] {
        assert_eq!(checked_members(other.as_bytes(), |member| panic!("{member:?}")), Ok(()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(4096)))]

    #[test]
    fn every_kernel_finds_what_the_slow_scan_finds(mut text in structural(), from in 0usize..70) {
        let from = from.min(text.len());
        if from < text.len() { text[from] = b'{'; }
        // A backslash outside a string is no JSON; the kernels and the slow scan agree on it all the same.
        let expected = slow_container_end(&text, from);
        prop_assert_eq!(every_container_end(&text, from), expected);
    }

    #[test]
    fn every_kernel_finds_the_end_of_a_string(text in "[a-z]{0,40}[a-z\"\\\\]{0,3}[a-z]{0,70}[a-z\"\\\\]{0,3}", from in 0usize..70) {
        let text = text.as_bytes();
        let expected = slow_string_end(text, from);
        prop_assert_eq!(at_each_level(StringEnd(text, from)), expected);
        prop_assert_eq!(string_end(text, from), expected);
    }

    #[test]
    fn every_kernel_finds_the_end_of_plain_text(text in "[ -~é]{0,40}[\\x00-\\x20\"\\\\a]{0,3}[ a-zé]{0,70}[\\x1f\"\\\\ ]{0,3}", from in 0usize..70) {
        let text = text.as_bytes();
        let rest = text.get(from..).unwrap_or_default();
        let expected = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20)).map(|at| from + at);
        prop_assert_eq!(at_each_level(PlainEnd(text, from)), expected);
        prop_assert_eq!(plain_end(text, from), expected);
    }

    #[test]
    fn values_of_real_json_end_where_serde_says(value in json(4), tail in "[ ,}]{0,3}") {
        let text = value.to_string() + &tail;
        let mut stream = serde_json::Deserializer::from_str(&text).into_iter::<serde_json::Value>();
        stream.next().unwrap().unwrap();
        prop_assert_eq!(value_end(text.as_bytes(), 0), Some(stream.byte_offset()));
    }

    #[test]
    fn members_are_the_members_of_serde(value in json(3)) {
        let text = serde_json::json!({"a": value, "b": [value, 1], "c\"d": null}).to_string();
        let mut members = Members::new(text.as_bytes(), 0).unwrap();
        let mut found = Vec::new();
        while let Some(member) = members.next_member().unwrap() {
            found.push(text[member.start..member.end].to_owned());
        }
        prop_assert_eq!(members.end(), text.len());
        prop_assert_eq!(found, vec![value.to_string(), serde_json::json!([value, 1]).to_string(), "null".to_owned()]);
    }
}

fn json(depth: u32) -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        "[a-z\\\\\"{}\\[\\]é ]{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(depth, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::vec(("[a-z\"]{0,4}", inner), 0..6)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Each text has a heap block of exactly its length, so that Miri and the sanitizer see a kernel that reads beyond it.
#[test]
fn edges_of_a_text_are_seen_wherever_its_odd_byte_stands() {
    let long = [b'a'; 300];
    for len in 0..long.len() {
        assert_eq!(text(&long[..len]), std::str::from_utf8(&long[..len]).ok());
        assert!(at_each_level(IsAscii(&long[..len])));
        let places = [len / 2, len.saturating_sub(2), len.saturating_sub(1)];
        for at in EDGES.into_iter().chain(places).filter(|&at| at < len) {
            for odd in ["é".as_bytes(), b"\xff"] {
                let mut bytes = long[..len].to_vec();
                bytes.splice(at..(at + odd.len()).min(len), odd.iter().copied());
                assert_eq!(text(&bytes), std::str::from_utf8(&bytes).ok(), "{len} {at}");
                assert!(!at_each_level(IsAscii(&bytes)), "{len} {at}");
            }
        }
    }
}

#[test]
fn edges_of_every_length_are_found_inside_the_text() {
    let mut looked_at = 0;
    for length in (0..=17).chain(30..=34).chain(62..=66).chain(126..=130) {
        for at in 0..=length {
            for special in [b'"', b'\\', b'\n', b'}'] {
                let mut text = vec![b'a'; length].into_boxed_slice();
                if let Some(byte) = text.get_mut(at) {
                    *byte = special;
                }
                let plain = (at < length && special != b'}').then_some(at);
                assert_eq!(at_each_level(PlainEnd(&text, 0)), plain);
                assert_eq!(at_each_level(StringEnd(&text, 0)), slow_string_end(&text, 0));
                if let Some(first) = text.first_mut() {
                    *first = b'{';
                }
                assert_eq!(every_container_end(&text, 0), slow_container_end(&text, 0));
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 4000);
}

/// Where a search may begin in a text of that length: inside it, at its end and beyond. From the last vector of the text
/// to one of these places it is too far for 32 bits.
fn beginnings(length: usize) -> impl Iterator<Item = usize> {
    let far = length.saturating_add(u32::MAX as usize - 15);
    let beyond = [length, length + 1, length + 63, length + 64, length + 65, far, usize::MAX];
    EDGES.into_iter().filter(move |&from| from < length).chain(beyond)
}

/// Every text of a length of [`EDGES`] that has something special at one of them, where it fits.
fn texts_with_an_edge() -> impl Iterator<Item = String> {
    let special = if cfg!(miri) { &["\"", "}"][..] } else { &["\"", "\\", "\\\"", "\x1f", "}"] };
    let places = EDGES.into_iter().flat_map(|length| EDGES.into_iter().map(move |at| (length, at)));
    places.filter(|(length, at)| at <= length).flat_map(move |(length, at)| {
        special.iter().map(move |special| {
            let mut text = "a".repeat(length);
            if at + special.len() <= length {
                text.replace_range(at..at + special.len(), special);
            }
            text
        })
    })
}

#[test]
fn edges_of_vectors_are_found_where_memory_begins_and_ends() {
    let (mut first, mut last, mut looked_at) = (Edge::new(129), Edge::new(129), 0);
    for text in texts_with_an_edge() {
        for text in [first.at_start(&text), last.at_end(&text)] {
            let bytes = text.as_bytes();
            assert!(at_each_level(IsAscii(bytes)));
            for from in beginnings(bytes.len()) {
                let is_end = |byte: &u8| matches!(byte, b'"' | b'\\' | ..0x20);
                let plain =
                    bytes.get(from..).and_then(|rest| rest.iter().position(is_end)).map(|at| from + at);
                assert_eq!(at_each_level(PlainEnd(bytes, from)), plain, "{text} from {from}");
                let string = slow_string_end(bytes, from);
                assert_eq!(at_each_level(StringEnd(bytes, from)), string, "{text} from {from}");
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 2000);
}

#[test]
fn edges_of_containers_are_found_where_memory_begins_and_ends() {
    let (mut first, mut last, mut looked_at) = (Edge::new(129), Edge::new(129), 0);
    for mut text in texts_with_an_edge() {
        for from in beginnings(text.len()) {
            if from < text.len() {
                text.replace_range(from..=from, "{");
            }
            for text in [first.at_start(&text), last.at_end(&text)] {
                let (bytes, end) = (text.as_bytes(), slow_container_end(text.as_bytes(), from));
                assert_eq!(every_container_end(bytes, from), end, "{text} from {from}");
                looked_at += usize::from(end.is_some());
            }
        }
    }
    assert!(looked_at > 200);
}

#[test]
fn depth_costs_no_stack() {
    let text = format!("{}{}", "[".repeat(DEEP), "]".repeat(DEEP));
    assert_eq!(every_container_end(text.as_bytes(), 0), Some(text.len()));
    let (depth, deep) = (container(text.as_bytes(), 0).unwrap().depth, DEEP as i64);
    assert!((deep - 64..=deep).contains(&depth), "{depth}");
}

#[test]
fn a_cut_container_is_reported_where_the_value_begins() {
    let mut members = Members::new(br#"{"a":1,"b":{"c":"#, 0).unwrap();
    members.next_member().unwrap();
    assert_eq!(members.next_member(), Err(ScanError::Cut(11)));
}

#[test]
fn a_missing_value_or_comma_is_unexpected() {
    for (text, at) in [(&br#"{"a":}"#[..], 5), (br#"{"a" 1}"#, 5), (br"{,}", 1)] {
        assert_eq!(Members::new(text, 0).unwrap().next_member(), Err(ScanError::Unexpected(at)));
    }
}

/// serde's reading without its limits: `RawValue` skips without recursing.
fn serde_says(text: &str) -> bool {
    serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(4096)))]

    #[test]
    fn the_grammar_is_serdes(text in "[\\[\\]{}:,\"\\\\u0-9eE.+\\-a-f \nntrsl]{0,24}") {
        prop_assert_eq!(is_json(&text), serde_says(&text), "{}", text);
    }

    #[test]
    fn a_changed_byte_of_real_json_is_judged_as_serde_does(value in json(3), at in any::<prop::sample::Index>(), byte in "[ -~\n]") {
        let mut text = value.to_string();
        prop_assert!(is_json(&text));
        let at = at.index(text.len());
        if text.is_char_boundary(at) && text.is_char_boundary(at + 1) {
            text.replace_range(at..=at, &byte);
            prop_assert_eq!(is_json(&text), serde_says(&text), "{}", text);
        }
    }
}
