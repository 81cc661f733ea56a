//! Lines of real logs that something happened to.

use std::fmt::Write as _;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::layout::{Layout, Member};
use crate::logs::text_of;

/// One change of a line. A place that the line does not have leaves it as it is.
#[derive(Clone, Debug)]
pub(crate) enum Mutation {
    /// Two members of an object change places.
    Swap(Index, Index, Index),
    /// A member stands twice, the second time behind another one and with the value of a third.
    Double(Index, Index, Index, Index),
    Drop(Index, Index),
    /// A member has another key.
    Rename(Index, Index, &'static str),
    /// A member has another value.
    Retype(Index, Index, &'static str),
    /// White space between two tokens.
    Space(Index, &'static str),
    /// Something stands in a string.
    Insert(Index, Index, &'static str),
    /// A character of a string is spelled `\uXXXX`.
    Spell(Index, Index),
    /// A string is made longer until it ends so many bytes in front of a multiple of the step.
    Stretch(Index, usize, usize),
}

const KEYS: &[&str] = &[
    r#""kind""#,
    r#""apiVersion""#,
    r#""level""#,
    r#""auditID""#,
    r#""stage""#,
    r#""requestURI""#,
    r#""verb""#,
    r#""user""#,
    r#""impersonatedUser""#,
    r#""authenticationMetadata""#,
    r#""sourceIPs""#,
    r#""userAgent""#,
    r#""objectRef""#,
    r#""responseStatus""#,
    r#""requestObject""#,
    r#""responseObject""#,
    r#""requestReceivedTimestamp""#,
    r#""stageTimestamp""#,
    r#""annotations""#,
    r#""username""#,
    r#""uid""#,
    r#""groups""#,
    r#""extra""#,
    r#""resource""#,
    r#""name""#,
    r#""resourceVersion""#,
    r#""code""#,
    r#""metadata""#,
    r#""Verb""#,
    r#""verb ""#,
    r#""v\u0065rb""#,
    r#""""#,
    r#""a\"b""#,
];

const VALUES: &[&str] = &[
    "null",
    "true",
    "0",
    "200",
    "-1",
    "99999",
    "1e400",
    r#""""#,
    r#""x""#,
    r#""Event""#,
    r#""audit.k8s.io/v1beta1""#,
    r#""\ud83d\ude00\u0026""#,
    r#""2026-11-24T00:10:19.5+05:30""#,
    "[]",
    r#"["a",null,1]"#,
    r#"["::1","10.0.0.1"]"#,
    "{}",
    r#"{"username":"a","username":"b"}"#,
    r#"{"metadata":{},"code":404}"#,
    r#"{"metadata":{},"code":0404}"#,
    r#"{"resource":"pods","name":"a","apiVersion":"v1"}"#,
    r#"{"a":"}","b":"{\""}"#,
    r#"{"a":[[[{"b":1}]]]}"#,
    "nul",
    "01",
    "{",
];

const SPACES: &[&str] = &[" ", "\t", "\r", "  \t ", "                                 "];

const INSERTED: &[&str] = &[
    r#"\""#,
    r"\\",
    r"\/",
    r"\n",
    r"\b",
    r"\u0008",
    r"\u0000",
    r"\u2028",
    r"\ufffd",
    r"\ud800",
    r"\udc00\u0041",
    r"\x",
    r"\u12",
    r"\",
    "\"",
    "\u{1}",
    "\t",
    "\0",
    "\u{7f}",
    "é",
    "😀",
    "\u{2028}",
    "{",
    "}}",
];

/// Lines of every kind that the logs hold, with bodies and without.
static LINES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let logs = [("metadata", 37), ("integration-example", 11), ("rotated", 29)];
    let lines = logs.into_iter().flat_map(|(name, step)| {
        let text = text_of(name);
        let lines = text.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
        let usual = lines.filter(|line| (1..8000).contains(&line.len()));
        usual.step_by(step).map(str::to_owned).collect::<Vec<_>>()
    });
    lines.collect()
});

/// A line of a real log, usually with some mutations.
pub(crate) fn mutated() -> impl Strategy<Value = String> {
    (any::<Index>(), prop::collection::vec(mutation(), 0..4)).prop_map(|(line, mutations)| {
        let line = line.get(&LINES).clone();
        mutations.iter().fold(line, |line, mutation| mutation.apply(&line).unwrap_or(line))
    })
}

pub(crate) fn mutation() -> impl Strategy<Value = Mutation> {
    let index = any::<Index>;
    prop_oneof![
        2 => (index(), index(), index()).prop_map(|(object, one, other)| Mutation::Swap(object, one, other)),
        2 => (index(), index(), index(), index())
            .prop_map(|(object, one, behind, value)| Mutation::Double(object, one, behind, value)),
        2 => (index(), index()).prop_map(|(object, member)| Mutation::Drop(object, member)),
        2 => (index(), index(), select(KEYS))
            .prop_map(|(object, member, key)| Mutation::Rename(object, member, key)),
        2 => (index(), index(), select(VALUES))
            .prop_map(|(object, member, value)| Mutation::Retype(object, member, value)),
        1 => (index(), select(SPACES)).prop_map(|(gap, space)| Mutation::Space(gap, space)),
        4 => (index(), index(), select(INSERTED))
            .prop_map(|(string, at, text)| Mutation::Insert(string, at, text)),
        2 => (index(), index()).prop_map(|(string, at)| Mutation::Spell(string, at)),
        6 => (index(), select(vec![16, 32, 64, 4096]), 0..3_usize)
            .prop_map(|(string, step, before)| Mutation::Stretch(string, step, before)),
    ]
}

impl Mutation {
    /// The line with the change, `None` where it has no such place.
    pub(crate) fn apply(&self, line: &str) -> Option<String> {
        let layout = Layout::of(line)?;
        let member = |object: &Index, member: &Index| member.get(members(&layout, *object)).clone();
        match self {
            Self::Swap(object, one, other) => {
                let (one, other) = (member(object, one).span(), member(object, other).span());
                let (first, last) = if one.start < other.start { (one, other) } else { (other, one) };
                let between = line.get(first.end..last.start)?;
                let swapped = [&line[last.clone()], between, &line[first.clone()]].concat();
                Some(replaced(line, first.start..last.end, &swapped))
            }
            Self::Double(object, one, behind, value) => {
                let (one, behind, value) =
                    (member(object, one), member(object, behind), member(object, value));
                let again = [",", &line[one.key], ":", &line[value.value]].concat();
                Some(replaced(line, behind.value.end..behind.value.end, &again))
            }
            Self::Drop(object, dropped) => {
                let span = member(object, dropped).span();
                let comma = usize::from(line[span.end..].starts_with(','));
                let before = usize::from(comma == 0 && line[..span.start].ends_with(','));
                Some(replaced(line, span.start - before..span.end + comma, ""))
            }
            Self::Rename(object, renamed, key) => Some(replaced(line, member(object, renamed).key, key)),
            Self::Retype(object, changed, value) => {
                Some(replaced(line, member(object, changed).value, value))
            }
            Self::Space(gap, space) => {
                let gap = *gap.get(&layout.gaps);
                Some(replaced(line, gap..gap, space))
            }
            Self::Insert(string, at, text) => {
                let at = place_in(line, &layout, *string, *at);
                Some(replaced(line, at..at, text))
            }
            Self::Spell(string, at) => {
                let at = place_in(line, &layout, *string, *at);
                let spelled = line[at..].chars().next().filter(|c| !"\"\\".contains(*c))?;
                let mut units = String::new();
                for unit in spelled.encode_utf16(&mut [0; 2]) {
                    let _ = write!(units, "\\u{unit:04x}");
                }
                Some(replaced(line, at..at + spelled.len_utf8(), &units))
            }
            Self::Stretch(string, step, before) => {
                let end = string.get(&layout.strings).end;
                let longer = (step - (end + before) % step) % step;
                Some(replaced(line, end - 1..end - 1, &"x".repeat(longer)))
            }
        }
    }
}

/// The members of an object: of the event half of the time, else of any object in it.
fn members(layout: &Layout, object: Index) -> &[Member] {
    let place = object.index(2 * layout.objects.len());
    layout.objects.get(place).unwrap_or(&layout.objects[0])
}

/// A position between two characters of a string, or in front of its closing quote.
fn place_in(line: &str, layout: &Layout, string: Index, at: Index) -> usize {
    let span = string.get(&layout.strings);
    let inner = &line[span.start + 1..span.end - 1];
    let places: Vec<usize> = inner.char_indices().map(|(at, _)| at).chain([inner.len()]).collect();
    span.start + 1 + at.get(&places)
}

fn replaced(line: &str, span: std::ops::Range<usize>, with: &str) -> String {
    [&line[..span.start], with, &line[span.end..]].concat()
}
