use super::*;
use crate::tail::identity::{FileKey, Fingerprint};

fn mark(head: &[u8], inode: u64, offset: u64) -> FileMark {
    FileMark {
        name: format!("{inode}.log"),
        key: Some(FileKey { device: 1, inode }),
        head: Fingerprint::of(head),
        offset,
        marker: Fingerprint::of(&offset.to_le_bytes()),
        size: offset,
    }
}

fn advanced(marks: impl IntoIterator<Item = FileMark>) -> Vec<FileMark> {
    let mut stream = StreamMark::default();
    marks.into_iter().for_each(|mark| stream.advance(mark));
    stream.files
}

#[test]
fn a_mark_behind_brings_only_the_place_up_to_date() {
    let files = advanced([mark(b"a", 1, 50), mark(b"b", 2, 7), mark(b"a", 3, 40)]);
    let want = FileMark {
        name: "3.log".to_owned(),
        key: Some(FileKey { device: 1, inode: 3 }),
        ..mark(b"a", 1, 50)
    };
    assert_eq!(files, [want, mark(b"b", 2, 7)]);
}

#[test]
fn an_inode_that_is_used_again_is_another_file() {
    let files = advanced([mark(b"a", 1, 50), mark(b"b", 1, 7)]);
    assert_eq!(files, [FileMark { key: None, ..mark(b"a", 1, 50) }, mark(b"b", 1, 7)]);
}

#[test]
fn a_head_grows_when_the_caller_says_so() {
    let mut stream = StreamMark { files: advanced([mark(b"a", 1, 50)]), older_done: false };
    assert!(stream.grown(Fingerprint::of(b"a"), Fingerprint::of(b"ab")));
    stream.advance(mark(b"ab", 1, 60));
    assert_eq!(stream.files, [mark(b"ab", 1, 60)]);
    assert!(!stream.grown(Fingerprint::of(b"a"), Fingerprint::of(b"abc")));
    assert!(!stream.grown(Fingerprint::default(), Fingerprint::of(b"abc")));
}

#[test]
fn an_empty_file_is_told_by_its_place() {
    let empty = |inode| FileMark { head: Fingerprint::default(), ..mark(b"", inode, 0) };
    assert_eq!(advanced([empty(1), empty(1), mark(b"a", 1, 5)]), [mark(b"a", 1, 5)]);
    assert_eq!(advanced([empty(1), mark(b"a", 2, 5)]), [empty(1), mark(b"a", 2, 5)]);
    let nowhere = |mark: FileMark| FileMark { key: None, ..mark };
    let files = advanced([nowhere(empty(1)), nowhere(empty(2)), nowhere(mark(b"a", 1, 5))]);
    assert_eq!(files, [nowhere(mark(b"a", 1, 5)), nowhere(empty(2))]);
    // Truncated: what was in it was committed, and what comes is something else.
    let files = advanced([mark(b"a", 1, 5), empty(1)]);
    assert_eq!(files, [FileMark { key: None, ..mark(b"a", 1, 5) }, empty(1)]);
}

proptest! {
    #[test]
    fn offsets_only_grow(steps in vec((0..4_u8, 0..4_u64, 0..100_u64), 0..40)) {
        let mut stream = StreamMark::default();
        let mut furthest = BTreeMap::new();
        for (head, inode, offset) in steps {
            stream.advance(mark(&[head], inode, offset));
            let most = furthest.entry(head).or_insert(0);
            *most = offset.max(*most);
            prop_assert_eq!(stream.files.len(), furthest.len());
            for (head, offset) in &furthest {
                let head = Fingerprint::of(&[*head]);
                let file = stream.files.iter().find(|file| file.head == head).unwrap();
                prop_assert_eq!(file.offset, *offset);
                prop_assert_eq!(file.marker, Fingerprint::of(&offset.to_le_bytes()));
            }
            let keys = stream.files.iter().filter_map(|file| file.key).collect::<std::collections::HashSet<_>>();
            prop_assert_eq!(keys.len(), stream.files.iter().filter(|file| file.key.is_some()).count());
        }
    }
}
