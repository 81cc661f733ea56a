//! Lines of real logs, changed in every way: the lanes and the twin read the same of them, whatever came before.

#[path = "lanes/edge.rs"]
mod edge;
#[path = "lanes/layout.rs"]
mod layout;
#[path = "lanes/mutation.rs"]
mod mutation;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::{check, compare};
use edge::Edge;
use mutation::mutated;

/// Longer than any line that is drawn.
const LONGEST: usize = 1 << 16;

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lanes_and_twin_agree_whatever_came_before(lines in prop::collection::vec(mutated(), 1..6)) {
        compare::log(lines.join("\n").as_bytes()).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn what_is_left_of_a_cut_line_is_what_the_twin_says(line in mutated(), cut in any::<Index>()) {
        check::damaged(&line.as_bytes()[..cut.index(line.len())]).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn nothing_is_read_beyond_a_text(line in mutated(), cut in any::<Index>()) {
        let cut = cut.index(line.len() + 1);
        let cut = (0..=cut).rfind(|&at| line.is_char_boundary(at)).unwrap_or(0);
        let (mut one, mut other) = (Edge::new(LONGEST), Edge::new(LONGEST));
        let whole = compare::agree([line.as_str(), &line[..cut]]);
        let at_edges = compare::agree([one.at_end(&line), other.at_start(&line[..cut])]);
        prop_assert_eq!(&at_edges, &whole);
        let at_edges = compare::agree([one.at_start(&line), other.at_end(&line[..cut])]);
        prop_assert_eq!(&at_edges, &whole);
    }
}

/// Else the comparisons would say little.
#[test]
fn both_lanes_have_their_share() {
    let (mut runner, count) = (TestRunner::deterministic(), 400);
    let lines: Vec<String> = (0..count).map(|_| mutated().new_tree(&mut runner).unwrap().current()).collect();
    let taken = compare::agree(lines.iter().map(String::as_str)).unwrap();
    assert!((count / 4..3 * count / 4).contains(&taken), "{taken}");
}

#[test]
fn keys_of_a_returned_object_may_be_escaped() {
    let body = r#"{"\u006detadata":{"n\u0061me":"web-0","\u0075id":"1","resourceVersi\u006fn":"2"}}"#;
    let head = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"1","stage":"Panic""#;
    check::damaged(format!("{head},\"responseObject\":{body}}}").as_bytes()).unwrap();
}
